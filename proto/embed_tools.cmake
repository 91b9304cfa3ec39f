# Writes OUTPUT, a C++ source with the text of each of FILES as a raw string literal.
set(source "// Made from proto/tools/*.json by embed_tools.cmake.\n#include \"proto/tool_declarations.hpp\"\n\n")
string(APPEND source "namespace proto {\n\nstd::vector<std::string_view> tool_declarations() {\n    return {\n")
foreach(file ${FILES})
    file(READ ${file} text)
    # A literal may hold 64 KiB; the delimiter cannot occur in JSON outside a string, and must not inside one.
    string(FIND "${text}" ")codez_tool" found)
    if(NOT found EQUAL -1)
        message(FATAL_ERROR "${file} contains the delimiter of its own literal")
    endif()
    string(APPEND source "        R\"codez_tool(${text})codez_tool\",\n")
endforeach()
string(APPEND source "    };\n}\n\n}  // namespace proto\n")
file(WRITE ${OUTPUT} "${source}")
