# Makes web_files_data.cpp out of the files below web/, each as it is and gzipped, so that the host needs no files at
# run time. Without web/ the list is empty.
find_program(GZIP_PROGRAM gzip REQUIRED)

function(embed_web folder output)
    file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE "${folder}" "${folder}/*")
    # What is there for those who work on the page, not for browsers.
    list(FILTER files EXCLUDE REGEX "(^|/)(README\\.md|[^/]*\\.sh|LICENSE[^/]*|[^/]*\\.LICENSE|[^/]*LICENSE\\.txt|SHA256SUMS|[^/]*\\.sha256)$")
    list(TRANSFORM files PREPEND "${folder}/" OUTPUT_VARIABLE paths)
    add_custom_command(
        OUTPUT "${output}"
        COMMAND ${CMAKE_COMMAND} -D "FOLDER=${folder}" -D "FILES=${files}" -D "OUTPUT=${output}"
                -D "GZIP=${GZIP_PROGRAM}" -P "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/write_web_files.cmake"
        DEPENDS ${paths} "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/write_web_files.cmake"
        COMMENT "Embedding the page"
        VERBATIM
    )
endfunction()
