#include "tools/private_process.hpp"

#include <sys/prctl.h>
#include <sys/stat.h>

namespace tools {

void keep_private() {
    ::umask(0077);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they look into themselves
    ::prctl(PR_SET_DUMPABLE, 0);
#endif
}

}  // namespace tools
