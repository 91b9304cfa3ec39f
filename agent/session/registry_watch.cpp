#include "agent/session/registry_watch.hpp"

#include <array>
#include <cerrno>
#include <map>
#include <utility>

#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

namespace agent::session {
namespace asio = boost::asio;

namespace {

constexpr std::size_t processes_max = 256;
constexpr std::uint32_t entries_come_and_go =
    IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

}  // namespace

struct registry_watch::state : std::enable_shared_from_this<state> {
    state(asio::any_io_executor e, std::filesystem::path d, std::function<void()> c)
        : executor(e), directory(std::move(d)), changed(std::move(c)), events(e) {}

    void wait() {
        events.async_wait(asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& ec) {
                              if (ec || self->closed) return;
                              self->take();
                          });
    }
    void take() {
        alignas(inotify_event) std::array<char, 4096> buffer;
        bool gone = false;
        for (;;) {
            const auto size = ::read(events.native_handle(), buffer.data(), buffer.size());
            if (size <= 0) break;
            for (ssize_t at = 0; at < size;) {
                const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
                gone = gone || (event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)) != 0;
                at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
            }
        }
        if (gone) {
            boost::system::error_code ignored;
            events.close(ignored);
        } else {
            wait();
        }
        changed();
    }
    void close() {
        closed = true;
        boost::system::error_code ignored;
        events.close(ignored);
        processes.clear();
    }

    asio::any_io_executor executor;
    std::filesystem::path directory;
    std::function<void()> changed;
    asio::posix::stream_descriptor events;
    std::map<pid_t, std::unique_ptr<asio::posix::stream_descriptor>> processes;
    bool closed = false;
};

registry_watch::registry_watch(asio::any_io_executor executor, std::filesystem::path directory,
                               std::function<void()> changed)
    : state_(std::make_shared<state>(std::move(executor), std::move(directory), std::move(changed))) {}

registry_watch::~registry_watch() { state_->close(); }

void registry_watch::watch() {
    if (state_->events.is_open()) return;
    const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) return;
    if (::inotify_add_watch(fd, state_->directory.c_str(), entries_come_and_go) < 0) {
        ::close(fd);
        return;
    }
    state_->events.assign(fd);
    state_->wait();
}

void registry_watch::watch_process(pid_t pid) {
    auto& processes = state_->processes;
    if (processes.contains(pid) || processes.size() >= processes_max) return;
    const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (fd < 0) {
        // Not before Linux 5.3: there the next change of the registry tells.
        if (errno != ESRCH) return;
        asio::post(state_->executor, [s = state_] {
            if (!s->closed) s->changed();
        });
        return;
    }
    auto& ended =
        *processes.emplace(pid, std::make_unique<asio::posix::stream_descriptor>(state_->executor, fd)).first->second;
    ended.async_wait(asio::posix::stream_descriptor::wait_read, [s = state_, pid](const boost::system::error_code& ec) {
        if (ec || s->closed) return;
        s->processes.erase(pid);
        s->changed();
    });
}

}  // namespace agent::session
