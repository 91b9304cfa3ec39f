#include "agent/hold/holder.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/hold/directory.hpp"
#include "agent/hold/leftovers.hpp"
#include "agent/hold/start.hpp"

namespace agent::hold {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t queue_bytes_max = line_bytes_max;
constexpr std::size_t line_overhead = 64;       // so that empty lines are bounded too
constexpr std::size_t piece_bytes = 64u << 10;  // the capacity of a pipe
constexpr seconds retry_interval(1);
constexpr milliseconds sweep_interval(10);
constexpr seconds sweep_patience(5);  // a process in an uninterruptible wait must not hold the session's end up
constexpr seconds lease_grace(30);
constexpr seconds shutdown_grace(5);  // well below the 90 s that systemd gives before its own SIGKILL

}  // namespace

holder::holder(const spawn_spec& spec, resources r)
    : session_id_(spec.session_id),
      directory_path_(spec.directory.string()),
      lease_(spec.lease),
      directory_(std::move(r.directory)),
      lock_(std::move(r.lock)),
      signals_(std::move(r.signals)),
      spool_(std::move(r.spool)),
      stderr_(directory_.get()),
      claude_pid_(r.claude.pid),
      in_(std::move(r.claude.in)),
      out_(std::move(r.claude.out)),
      err_(std::move(r.claude.err)),
      port_(std::move(r.listener), *this),
      lease_ends_(clock::now() + lease_) {}

void holder::run() {
    std::vector<pollfd> polls;
    while (!leave_) {
        port_.announce(spool_.end_offset());
        tell_trouble();
        polls.clear();
        // A negative descriptor is skipped. Pipes are not polled while nothing may be done with them, because their
        // hang-up would turn this loop into a spin.
        polls.push_back({signals_.get(), POLLIN, 0});
        polls.push_back({queue_.empty() ? -1 : in_.get(), POLLOUT, 0});
        polls.push_back({!out_ || spool_.room() == 0 ? -1 : out_.get(), POLLIN, 0});
        polls.push_back({err_.get(), POLLIN, 0});
        const auto fixed = polls.size();
        port_.collect(polls);

        if (::poll(polls.data(), polls.size(), poll_timeout(clock::now())) < 0) {
            if (errno == EINTR || errno == ENOMEM) continue;
            kill_claude();  // Only a bug gets here. The spool keeps what was read.
            return;
        }
        const auto now = clock::now();
        if (polls[0].revents) handle_signals(now);
        if (polls[1].revents) write_stdin();
        if (polls[2].revents) read_stdout();
        if (polls[3].revents) read_stderr();
        port_.serve(polls.data() + fixed, now);
        handle_timers(now);
        if (phase_ == phase::sweeping && swept_) finish_when_drained();
    }
    port_.flush();
}

int holder::poll_timeout(clock::time_point now) {
    if (!spool_.trouble().empty() || (phase_ == phase::ended && !exit_stored_)) {
        if (!retry_at_) retry_at_ = now + retry_interval;
    } else {
        retry_at_.reset();
    }
    if (port_.has_agent()) lease_ends_ = now + lease_;

    auto next = lease_ends_;
    for (const auto& at : {terminate_at_, kill_at_, sweep_at_, retry_at_, port_.deadline()})
        if (at) next = std::min(next, *at);
    const auto wait = std::chrono::ceil<milliseconds>(std::max(next - now, clock::duration::zero()));
    return static_cast<int>(std::min<milliseconds::rep>(wait.count(), 60'000));
}

void holder::handle_timers(clock::time_point now) {
    if (retry_at_ && *retry_at_ <= now) {
        retry_at_.reset();
        spool_.retry();
        if (phase_ == phase::ended && !exit_stored_) store_exit_record();
    }
    if (terminate_at_ && *terminate_at_ <= now) terminate();
    if (kill_at_ && *kill_at_ <= now) kill_claude();
    if (sweep_at_ && *sweep_at_ <= now) sweep(now);
    if (lease_ends_ <= now && !port_.has_agent()) {
        // Nobody came for so long: a running claude is ended, and after a second such time the holder leaves; its files
        // stay for an agent that comes later.
        lease_ends_ = now + lease_;
        if (phase_ == phase::running)
            begin_end(lease_grace, now);
        else
            leave_ = phase_ == phase::ended;
    }
}

void holder::handle_signals(clock::time_point now) {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGCHLD) continue;
        leave_when_ended_ = true;
        begin_end(shutdown_grace, now);
        if (phase_ == phase::ended) leave_ = true;
    }
    reap(now);
}

void holder::reap(clock::time_point now) {
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid != claude_pid_ || phase_ != phase::running) continue;
        if (WIFEXITED(status)) exit_.code = WEXITSTATUS(status);
        if (WIFSIGNALED(status)) exit_.signal = WTERMSIG(status);
        phase_ = phase::sweeping;
        terminate_at_.reset();
        kill_at_.reset();
        drop_queue(refusal::claude_gone);
        in_.reset();
        sweep_until_ = now + sweep_patience;
        sweep_at_ = now;
    }
}

void holder::sweep(clock::time_point now) {
    // What dies may fork until it is dead, so it takes a pass that finds nothing. Children of the dead become ours, the
    // subreaper's, and are reaped on SIGCHLD.
    const bool found = !end_descendants().empty() || !end_marked(session_id_).empty();
    swept_ = !found || now >= sweep_until_;
    sweep_at_.reset();
    if (!swept_) sweep_at_ = now + sweep_interval;
}

void holder::begin_end(milliseconds grace, clock::time_point now) {
    if (phase_ != phase::running) return;
    ending_ = true;
    const auto sooner = [](std::optional<clock::time_point>& at, clock::time_point t) {
        at = std::min(at.value_or(t), t);
    };
    // After SIGTERM was sent only the last step can be brought forward.
    if (terminate_at_ || !kill_at_) sooner(terminate_at_, now + grace);
    sooner(kill_at_, now + 2 * grace);
    if (queue_.empty()) close_stdin();
}

void holder::terminate() {
    terminate_at_.reset();
    close_stdin();
    ::kill(claude_pid_, SIGTERM);  // not reaped yet, so the pid is still its own
}

void holder::kill_claude() {
    kill_at_.reset();
    if (phase_ == phase::running) ::kill(claude_pid_, SIGKILL);
}

void holder::write_stdin() {
    while (!queue_.empty()) {
        auto& line = queue_.front();
        const auto n = ::write(in_.get(), line.bytes.data() + line.written, line.bytes.size() - line.written);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n < 0) return close_stdin();  // EPIPE: claude reads no more
        line.written += static_cast<std::size_t>(n);
        if (line.written < line.bytes.size()) continue;
        if (line.answer) port_.send(written{line.sequence});
        queue_bytes_ -= line.bytes.size() + line_overhead;
        queue_.pop_front();
    }
    if (ending_) close_stdin();
}

void holder::close_stdin() {
    drop_queue(ending_ ? refusal::ending : refusal::claude_gone);
    in_.reset();
}

void holder::drop_queue(refusal reason) {
    for (const auto& line : queue_)
        if (line.answer) port_.send(refused{line.sequence, reason});
    queue_.clear();
    queue_bytes_ = 0;
}

void holder::read_stdout() {
    std::array<char, piece_bytes> piece;
    const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(spool_.room(), piece.size()));
    if (room == 0) return;
    const auto n = ::read(out_.get(), piece.data(), room);
    if (n > 0) return spool_.append(std::string_view(piece.data(), static_cast<std::size_t>(n)));
    if (n < 0 && errno == EINTR) return;
    // After the sweep an empty pipe is the end, even if something that escaped it still holds the other side.
    if (n == 0 || errno != EAGAIN || swept_) out_.reset();
}

void holder::read_stderr() {
    std::array<char, 4096> piece;
    const auto n = ::read(err_.get(), piece.data(), piece.size());
    if (n > 0) return stderr_.append(std::string_view(piece.data(), static_cast<std::size_t>(n)));
    if (n < 0 && (errno == EINTR || (errno == EAGAIN && !swept_))) return;
    err_.reset();
}

void holder::finish_when_drained() {
    // Pipes hold 1 MiB at most (pipe(7)); whatever survived the sweep and writes more does not count.
    constexpr int reads_max = 1024;
    int reads = 0;
    while (out_ && spool_.room() > 0 && reads++ < reads_max) read_stdout();
    if (reads > reads_max) out_.reset();
    if (out_ || spool_.holds_bytes()) return;
    for (reads = 0; err_ && reads < reads_max; ++reads) read_stderr();
    err_.reset();
    phase_ = phase::ended;
    exit_.stderr_tail = stderr_.text();
    store_exit_record();
    lock_.reset();
    tell_exit();
    if (leave_when_ended_) leave_ = true;
}

void holder::store_exit_record() {
    exit_error_ = replace_file_durably(directory_.get(), exit_name, exit_temporary_name, to_json(exit_));
    exit_stored_ = exit_error_ == 0;
}

void holder::on_agent() {
    // Lines of the agent before it were whole, so they still go to claude; nobody waits for the answer.
    for (auto& line : queue_) line.answer = false;
    port_.send(welcome{.holder_pid = static_cast<std::uint32_t>(::getpid()),
                       .claude_pid = static_cast<std::uint32_t>(claude_pid_),
                       .first_offset = spool_.first_offset(),
                       .end_offset = spool_.end_offset(),
                       .session_id = session_id_});
    if (!told_trouble_.empty()) port_.send(trouble{told_trouble_});
    if (phase_ == phase::ended) tell_exit();
}

void holder::tell_exit() {
    exited told{.end_offset = spool_.end_offset(), .stderr_tail = exit_.stderr_tail};
    told.kind = exit_.signal ? exit_kind::signal : exit_kind::code;
    told.value = static_cast<std::uint32_t>(exit_.signal ? *exit_.signal : exit_.code.value_or(0));
    port_.send(told);
}

void holder::tell_trouble() {
    auto now = spool_.trouble();
    if (now.empty() && exit_error_ != 0)
        now = "The session's exit status cannot be stored. " + describe_disk_error(exit_error_);
    if (now == told_trouble_) return;
    told_trouble_ = std::move(now);
    port_.send(trouble{told_trouble_});
}

void holder::on_message(message m) {
    if (auto* w = std::get_if<input_line>(&m)) return on_write(std::move(*w));
    if (const auto* a = std::get_if<acknowledge>(&m)) return spool_.acknowledge(a->offset);
    if (const auto* e = std::get_if<end>(&m)) return begin_end(milliseconds(e->grace_ms), clock::now());
    if (std::holds_alternative<release>(m)) on_release();
}

void holder::on_write(input_line&& w) {
    const auto cost = w.line.size() + 1 + line_overhead;
    std::optional<refusal> reason;
    if (phase_ != phase::running || (!in_ && !ending_))
        reason = refusal::claude_gone;
    else if (ending_)
        reason = refusal::ending;
    else if (w.line.contains('\n'))
        reason = refusal::bad_line;
    else if (!queue_.empty() && queue_bytes_ + cost > queue_bytes_max)
        reason = refusal::queue_full;
    if (reason) return port_.send(refused{w.sequence, *reason});
    w.line += '\n';
    queue_bytes_ += cost;
    queue_.push_back({.sequence = w.sequence, .bytes = std::move(w.line)});
    write_stdin();
}

void holder::on_release() {
    if (phase_ != phase::ended)
        return port_.send_fault(fault_code::not_ended, "claude still runs: end it before you release its holder.");
    remove_own_files(directory_.get());
    ::rmdir(directory_path_.c_str());  // stays if somebody put other files there
    ::flock(directory_.get(), LOCK_UN);
    port_.send(released{});
    leave_ = true;
}

}  // namespace agent::hold
