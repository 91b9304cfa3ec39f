// Tells when Claude Code's registry of running claudes changes, and when a process ends: by inotify and pidfd, so an idle
// machine costs nothing. The registry's directory may come later: watch() again then. All on the executor; destroying it
// ends the watching. Where the kernel gives no watch (too many), it stays silent.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include <sys/types.h>
#include <boost/asio/any_io_executor.hpp>

namespace agent::session {

class registry_watch {
public:
    // `changed` is called on the executor, once for what comes together.
    registry_watch(boost::asio::any_io_executor executor, std::filesystem::path directory,
                   std::function<void()> changed);
    ~registry_watch();
    registry_watch(const registry_watch&) = delete;
    registry_watch& operator=(const registry_watch&) = delete;

    // Watches the directory, if it is there and not watched yet.
    void watch();
    // Calls `changed` when the process ends: one that is killed leaves its entry behind. At most some hundred at once.
    void watch_process(pid_t pid);

private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace agent::session
