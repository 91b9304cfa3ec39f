#include "tests/agent/events/log_fixture.hpp"

#include <stdlib.h>

namespace agent::events::test {

temporary_directory::temporary_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "codez-log-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = name;
}

temporary_directory::~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace agent::events::test
