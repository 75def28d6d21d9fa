# embed_files(OUT NAMESPACE FUNCTION HEADER FILES...)
#
# Writes OUT, a source that defines `NAMESPACE::FUNCTION()` of HEADER: the files' (name, text) pairs in the
# order given. Made anew at configure time when a file changes.
function(embed_files out namespace function header)
    set(entries "")
    foreach(file ${ARGN})
        file(READ ${file} text)
        get_filename_component(name ${file} NAME)
        string(APPEND entries "        {\"${name}\", R\"__file__(${text})__file__\"},\n")
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    endforeach()
    file(CONFIGURE OUTPUT ${out} @ONLY CONTENT
"// Generated from the files it holds.
#include \"${header}\"

namespace ${namespace} {

std::vector<std::pair<std::string, std::string>> ${function}() {
    return {
@entries@    };
}

}  // namespace ${namespace}
")
endfunction()
