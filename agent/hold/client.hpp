// The agent's side of a holder (`codez hold`): starts one or attaches to a running one, by the protocol of
// agent/hold/README.md. All calls on the executor it was made with. Destroying a client detaches: the holder and claude
// go on.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace agent::hold {

struct spawn_spec {
    std::string session_id;                  // a UUID; also the name of the lock
    std::filesystem::path directory;         // the holder's own: socket, spool, stderr, exit status. Made 0700
    std::filesystem::path lock_file;         // flock'ed for the life of claude, which inherits it
    std::vector<std::string> argv;           // claude's; argv[0] is an absolute path
    std::map<std::string, std::string> env;  // the whole environment of claude
    std::filesystem::path cwd;
    std::uint64_t spool_segment_bytes = 8u << 20;
    std::uint64_t spool_bytes_max = 256u << 20;           // unacknowledged; above it claude's output is not read
    std::chrono::seconds lease = std::chrono::hours(24);  // without an agent for so long, it ends the session
};

enum class hold_errc {
    gone,          // no holder answers: it was killed, or never started
    locked,        // another process holds the session's lock
    start_failed,  // claude could not be started; message says why
    incompatible,  // the holder speaks another major version
    ended,         // claude has exited and every line was read: see exit_status()
    failed,
};

struct hold_error {
    hold_errc code = hold_errc::failed;
    std::string message;
    bool operator==(const hold_error&) const = default;
};

struct exit_info {
    std::optional<int> code;    // exited
    std::optional<int> signal;  // or killed by
    std::string stderr_tail;    // at most 16 KiB
};

struct line {
    std::string text;              // without the newline
    std::uint64_t end_offset = 0;  // position in claude's stdout after it: what to store and to resume from
};

class client {
public:
    virtual ~client() = default;

    // Queues one line for claude's stdin (without newline); the holder writes it whole or not at all. Completes when it
    // was handed to claude's pipe.
    virtual boost::asio::awaitable<std::expected<void, hold_error>> write_line(std::string text) = 0;

    // The next complete line of claude's stdout, beginning at the offset given to spawn/attach. After the last line
    // of an exited claude: hold_errc::ended. If the holder dies: all complete lines in the spool, then
    // hold_errc::gone.
    virtual boost::asio::awaitable<std::expected<line, hold_error>> next_line() = 0;

    // Everything before the offset is stored safely: its spool segments may be deleted.
    virtual void acknowledge(std::uint64_t offset) = 0;

    // Ends claude: closes stdin, after `grace` SIGTERM, after another `grace` SIGKILL, then whatever it left running.
    // next_line() tells when it is over.
    virtual void end(std::chrono::milliseconds grace) = 0;

    // After hold_errc::ended was seen and stored: the holder removes its files and exits.
    virtual boost::asio::awaitable<void> release() = 0;

    virtual std::optional<exit_info> exit_status() const = 0;  // set with hold_errc::ended
    virtual int claude_pid() const = 0;
    // Empty when well, else why the spool does not take claude's output now (a full disk), for get_health.
    virtual std::string trouble() const = 0;
};

// Starts `codez hold` (this program's own binary) in a session of its own, so that it outlives the agent.
boost::asio::awaitable<std::expected<std::unique_ptr<client>, hold_error>> spawn(boost::asio::any_io_executor executor,
                                                                                 std::filesystem::path codez_binary,
                                                                                 spawn_spec spec);

// Attaches to the holder of `directory` and reads on from `offset`. With hold_errc::gone the spool on disk may still
// have lines: see read_orphaned_spool().
boost::asio::awaitable<std::expected<std::unique_ptr<client>, hold_error>> attach(boost::asio::any_io_executor executor,
                                                                                  std::filesystem::path directory,
                                                                                  std::uint64_t offset);

// The complete lines from `offset` on that a dead holder left in its spool.
std::vector<line> read_orphaned_spool(const std::filesystem::path& directory, std::uint64_t offset);

// The exit status that a holder left on disk, also when it is gone. nullopt: it was killed before claude exited.
std::optional<exit_info> read_exit_info(const std::filesystem::path& directory);

// Ends, by SIGKILL on (boot id, pid, start time), every process that carries this session's marker in its environment:
// what a killed holder left behind. Blocking, some milliseconds. Returns how many it ended.
int end_leftovers(const std::string& session_id);

// The environment variable that marks a session's processes: "CODEZ_SESSION_ID=<uuid>".
inline constexpr const char* session_marker = "CODEZ_SESSION_ID";

}  // namespace agent::hold
