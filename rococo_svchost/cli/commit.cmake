# cmake -D SOURCE=DIR -D TEMPLATE=FILE -D OUTPUT=FILE -P commit.cmake: writes which commit the sources are of. The file
# keeps its time where nothing changed, so that nothing is compiled for it.
cmake_minimum_required(VERSION 3.25)

function(git variable)
    execute_process(
        COMMAND git ${ARGN}
        WORKING_DIRECTORY "${SOURCE}"
        OUTPUT_VARIABLE output
        OUTPUT_STRIP_TRAILING_WHITESPACE
        ERROR_QUIET
        RESULT_VARIABLE status
    )
    if(NOT status EQUAL 0)
        set(output "")
    endif()
    set(${variable} "${output}" PARENT_SCOPE)
endfunction()

# Sources that were unpacked within some other repository are not of its commits.
git(root rev-parse --show-toplevel)
set(commit unknown)
set(date "")
if(root AND root PATH_EQUAL SOURCE)
    git(commit rev-parse --short=12 HEAD)
    git(date log -1 --format=%cs)
endif()
configure_file("${TEMPLATE}" "${OUTPUT}" @ONLY)
