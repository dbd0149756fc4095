# cmake -D FOLDER=… -D FILES=a;b -D OUTPUT=… -D GZIP=… -P write_web_files.cmake: see embed_web.cmake.
set(code "// Made by CMake from the files below web/.\n#include \"web_files.hpp\"\n\n")
string(APPEND code "#include <array>\n\nnamespace rococo::svchost {\nnamespace {\n\n")

# append_bytes(NAME FILE): the file as an array of bytes.
function(append_bytes name file)
    file(READ "${file}" hex HEX)
    file(SIZE "${file}" size)
    string(REGEX REPLACE "(..)" "\\\\x\\1" escaped "${hex}")
    # Short lines: compilers have limits, and adjacent literals are one.
    string(REGEX REPLACE "(................................................................)" "\\1\"\n    \"" lines "${escaped}")
    set(code "${code}constexpr std::string_view ${name}(\n    \"${lines}\", ${size});\n" PARENT_SCOPE)
endfunction()

set(rows "")
set(number 0)
foreach(file IN LISTS FILES)
    set(compressed "${OUTPUT}.gz")
    # -n: the same input gives the same bytes, whenever it is built.
    execute_process(
        COMMAND ${GZIP} -9 -n -c "${FOLDER}/${file}" OUTPUT_FILE "${compressed}" COMMAND_ERROR_IS_FATAL ANY
    )
    append_bytes(kPlain${number} "${FOLDER}/${file}")
    append_bytes(kGzipped${number} "${compressed}")
    file(REMOVE "${compressed}")
    file(SHA256 "${FOLDER}/${file}" digest)
    string(SUBSTRING "${digest}" 0 16 etag)
    string(APPEND rows "    WebFile{\"${file}\", \"\\\"${etag}\\\"\", kPlain${number}, kGzipped${number}},\n")
    math(EXPR number "${number} + 1")
endforeach()

string(APPEND code "\nconstexpr std::array<WebFile, ${number}> kFiles{\n${rows}};\n\n")
string(APPEND code "}  // namespace\n\nstd::span<const WebFile> web_files() { return kFiles; }\n\n")
string(APPEND code "}  // namespace rococo::svchost\n")
file(WRITE "${OUTPUT}" "${code}")
