// What claude writes: reading, storing, the barrier after an attach, the end. See live_session.hpp.
#include <cstring>
#include <map>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/claude/json_access.hpp"
#include "agent/claude/stream_decode.hpp"
#include "agent/claude/stream_encode.hpp"
#include "agent/claude/transcript.hpp"
#include "agent/events/prompt_rows.hpp"
#include "agent/session/engine_rows.hpp"
#include "agent/session/event_bodies.hpp"
#include "agent/session/live_session.hpp"
#include "agent/session/prompt_images.hpp"
#include "agent/uploads/attachments.hpp"

namespace agent::session {
namespace asio = boost::asio;
using common::db::connection;

namespace {

// What may wait between the reader and the log; beyond it the rest stays in the spool.
constexpr std::size_t inbox_lines_max = 512;
constexpr std::size_t inbox_bytes_max = 8u << 20;
// Lines that only stream text need no commit of their own; so much may be read again after a crash.
constexpr std::uint64_t uncommitted_bytes_max = 256u << 10;

constexpr std::chrono::seconds store_retry{1};

asio::awaitable<void> pause(asio::any_io_executor executor, std::chrono::milliseconds time) {
    asio::steady_timer timer(executor);
    timer.expires_after(time);
    co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace

asio::awaitable<void> live_session::read() {
    const auto self = shared_from_this();
    for (;;) {
        while (inbox_.size() >= inbox_lines_max || inbox_bytes_ >= inbox_bytes_max) {
            const bool notified = co_await inbox_changed_.wait();
            if (!notified) co_return;
        }
        auto line = co_await client_->next_line();
        if (services_.stopping) co_return;
        if (!line) {
            input_error_ = line.error();
            input_ended_ = true;
            outbox_changed_.notify_all();
            inbox_changed_.notify_all();
            co_return;
        }
        inbox_bytes_ += line->text.size();
        inbox_.push_back(std::move(*line));
        if (inbox_.size() == 1) inbox_changed_.notify_all();
    }
}

asio::awaitable<void> live_session::process() {
    const auto self = shared_from_this();
    for (;;) {
        if (!inbox_.empty()) {
            co_await take_lines();
            end_if_unwanted();
        } else if (input_ended_) {
            break;
        } else {
            const bool notified = co_await inbox_changed_.wait();
            if (!notified) co_return;
        }
    }
    co_await finish();
}

void live_session::reduce(const std::deque<hold::line>& lines, reduction& out) {
    const std::int64_t now_ms = session_services::now_ms();
    for (const auto& line : lines) {
        const claude::stream_message message = claude::decode(line.text);
        reducer_.on_line(message, now_ms, out);
        tell_audited(message, out);
        note_retry(message);
        if (const auto* reply = std::get_if<claude::control_reply>(&message);
            reply && reply->request_id == initialize_id_) {
            initialized_ = *reply;
            if (reply->ok && unknown_) learn_state(*reply, now_ms, out);
            if (reply->ok && reply->pending) reducer_.on_permissions_listed(*reply->pending, now_ms, out);
        }
    }
    decide(out);
    if (!lines.empty()) reducer_.row().spool_offset = static_cast<std::int64_t>(lines.back().end_offset);
}

asio::awaitable<void> live_session::take_lines() {
    const auto guard = co_await lock_.acquire();
    if (!guard) co_return;
    std::deque<hold::line> lines = std::exchange(inbox_, {});
    const std::size_t bytes = std::exchange(inbox_bytes_, 0);
    inbox_changed_.notify_all();
    last_active_ = std::chrono::steady_clock::now();
    last_output_ms_ = session_services::now_ms();

    const turn_reducer before = reducer_;
    reduction changes;
    reduce(lines, changes);
    const auto offset = static_cast<std::uint64_t>(row().spool_offset);
    if (changes.only_ephemeral() && offset - committed_offset_ < uncommitted_bytes_max) {
        handle(changes);
    } else {
        const auto stored = co_await commit(changes, {});
        if (!stored) {
            // Nothing of it happened; the lines stay and are tried again.
            reducer_ = before;
            initialized_.reset();
            for (auto& line : inbox_) lines.push_back(std::move(line));
            inbox_ = std::move(lines);
            inbox_bytes_ += bytes;
            co_await pause(services_.executor, store_retry);
            co_return;
        }
        client_->acknowledge(offset);
        handle(changes);
    }
    if (initialized_) co_await pass_barrier();
}

void live_session::end_if_unwanted() {
    // Without a login it would go on so: one that is given meanwhile reaches only a new process, which the next prompt
    // starts.
    if ((!lacks_login_ && !conflict_) || !idle()) return;
    ending_ = true;
    client_->end(services_.options.end_grace);
}

void live_session::learn_state(const claude::control_reply& reply, std::int64_t now_ms, reduction& out) {
    const std::string state = claude::text_of(reply.response, "session_state");
    if (!state.empty() && state != "idle") reducer_.memory().turn_open = true;
    reducer_.on_line(claude::state_changed(state), now_ms, out);
    if (!reply.pending) return;
    for (const auto& ask : *reply.pending) reducer_.on_line(ask, now_ms, out);
}

void live_session::note_retry(const claude::stream_message& message) {
    if (const auto* retry = std::get_if<claude::api_retry>(&message))
        retry_ = *retry;
    else if (std::holds_alternative<claude::assistant_line>(message) ||
             std::holds_alternative<claude::stream_event>(message) ||
             std::holds_alternative<claude::turn_result>(message))
        retry_.reset();
}

void live_session::handle(reduction& out) {
    for (auto& each : out.ephemeral) services_.log.push_ephemeral(std::move(each));
    for (const auto& request : out.refused) post(claude::encode_refusal(request.request_id, request.subtype));
    unreadable_lines_ += out.unreadable;
    if (out.lacks_login) lacks_login_ = *out.lacks_login;
    for (auto& reply : out.replies) {
        const auto waiting = replies_.find(reply.request_id);
        if (waiting != replies_.end()) waiting->second = std::move(reply);
    }
    if (!out.replies.empty()) services_.tell_changed();
}

// Claude has answered `initialize`: it has got every line before it, so what it does not know of never arrived.
asio::awaitable<void> live_session::pass_barrier() {
    const claude::control_reply reply = std::move(*initialized_);
    initialized_.reset();
    if (!reply.ok) {
        start_error_ = "Claude Code refused to start the session: " + reply.error;
        client_->end(services_.options.end_grace);
        co_return;
    }
    struct found {
        std::vector<std::string> answers;
        std::vector<events::prompt_row> prompts;
        std::map<std::string, std::vector<claude::image>> images;  // by the prompt's uuid
    };
    auto owed = std::make_shared<found>();
    std::vector<std::string> answered;
    if (reply.pending)
        for (const auto& ask : *reply.pending)
            if (!reducer_.memory().permissions.contains(ask.request_id)) answered.push_back(ask.request_id);
    auto look = [owed, answered, id = row().id,
                 files = uploads::attachments_directory(services_.options.state_directory, row().id)](connection& c) {
        owed->answers.clear();
        for (const auto& request : answered)
            if (auto line = find_answer_line(c, id, request)) owed->answers.push_back(std::move(*line));
        owed->prompts = events::open_prompts(c, id);
        for (const auto& prompt : owed->prompts)
            if (prompt.state == events::prompt_state::accepted)
                owed->images[prompt.uuid] = load_prompt_images(files, prompt.uuid);
    };
    const bool needed = !answered.empty() || !reducer_.memory().prompts.empty();
    while (needed) {
        const auto looked = co_await services_.log.run(look);
        if (looked) break;
        store_trouble_ = "Session " + row().id + " waits for the log: " + looked.error().message;
        co_await pause(services_.executor, store_retry);
    }
    // Told to the disk first: from here on they may have arrived.
    for (bool owed_prompts = reducer_.on_prompts_given(); owed_prompts;) {
        reduction nothing;
        const auto stored = co_await commit(nothing, {});
        if (stored) break;
        co_await pause(services_.executor, store_retry);
    }
    for (auto& line : owed->answers) post(std::move(line));
    for (const auto& prompt : owed->prompts) {
        const auto open = reducer_.memory().prompts.find(prompt.uuid);
        if (open != reducer_.memory().prompts.end() && open->second.progress == prompt_progress::accepted)
            post(claude::encode_prompt(prompt.uuid, prompt.text, owed->images[prompt.uuid]));
    }
    ready_ = true;
    services_.tell_changed();
}

process_end live_session::how_it_ended() const {
    process_end out;
    out.keeps_waiting = keeps_waiting_ && start_error_.empty() && !ending_;
    const auto& variables = services_.options.environment;
    const auto transcript = claude::find_transcript(variables, row().cwd, row().id);
    for (const auto& [uuid, prompt] : reducer_.memory().prompts)
        if (prompt.progress != prompt_progress::started && transcript && claude::transcript_has(*transcript, uuid))
            out.arrived.push_back(uuid);
    if (ending_ && start_error_.empty()) return out;

    const std::string resumable = " Its tools were ended too. The next prompt resumes the session.";
    if (input_error_.code != hold::hold_errc::ended) {
        out.error = "The process that held this session (codez hold) is gone, and Claude Code with it." + resumable;
        return out;
    }
    const auto status = client_->exit_status();
    if (!start_error_.empty()) {
        out.error = start_error_;
    } else if (status && status->signal) {
        const char* name = ::strsignal(*status->signal);
        out.error = "Claude Code was ended by signal " + std::to_string(*status->signal) + " (" +
                    (name ? name : "unknown") + ")." + resumable;
    } else if (status && status->code && *status->code != 0 && (!ready_ || reducer_.busy())) {
        out.error = "Claude Code ended with exit code " + std::to_string(*status->code) + ".";
    } else if (!ready_ || reducer_.busy()) {
        out.error = "Claude Code ended before it was done.";
    }
    if (!out.error.empty() && status && !status->stderr_tail.empty())
        out.error += " It said: " + bounded_text(status->stderr_tail, 4096);
    return out;
}

asio::awaitable<void> live_session::finish() {
    const auto guard = co_await lock_.acquire();
    if (!guard) co_return;
    const bool held = input_error_.code == hold::hold_errc::ended;
    // Before anything is told: whoever reads that the session is over may resume it at once.
    if (!held) services_.options.holders.end_leftovers(row().id);
    const std::filesystem::path directory = row().holder_directory;
    const process_end how = how_it_ended();
    if (start_error_.empty()) start_error_ = how.error;

    const turn_reducer before = reducer_;
    const bool announced = reducer_.memory().announced;
    for (;;) {
        reduction changes;
        reducer_.on_process_end(how, session_services::now_ms(), changes);
        std::function<void(connection&, std::int64_t)> more;
        if (!announced) {
            changes = {};
            more = [id = row().id](connection& c, std::int64_t) { remove_session(c, id); };
        }
        const auto stored = co_await commit(changes, std::move(more));
        if (stored) break;
        reducer_ = before;
        co_await pause(services_.executor, store_retry);
    }
    if (held) co_await client_->release();
    std::error_code ignored;  // a holder that ended well has removed it itself
    if (!held && !directory.empty()) std::filesystem::remove_all(directory, ignored);
    over_ = true;
    if (services_.on_over) services_.on_over();
    outbox_changed_.notify_all();
    services_.tell_changed();
}

}  // namespace agent::session
