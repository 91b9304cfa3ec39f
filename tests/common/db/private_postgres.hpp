// A real PostgreSQL server for one test program: its own directory, a UNIX socket only, ended with the program. As root
// it runs as user "postgres", since the server refuses root. Without server binaries start() says what to install.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <sys/types.h>

namespace tests {

class private_postgres {
public:
    private_postgres() = default;
    ~private_postgres();
    private_postgres(const private_postgres&) = delete;
    private_postgres& operator=(const private_postgres&) = delete;

    // nullopt, or a sentence that says why there is no server.
    std::optional<std::string> start();
    // Like a crash: clients lose their connections, no clean shutdown.
    void stop();

    std::string url(const std::string& database) const;
    // A new, empty database; its URL.
    std::string create_database();

private:
    std::optional<std::string> initialise();
    std::optional<std::string> wait_until_ready(int log);

    std::filesystem::path directory_;
    std::filesystem::path binaries_;
    pid_t server_ = -1;
    std::thread log_reader_;
    int databases_ = 0;
};

}  // namespace tests
