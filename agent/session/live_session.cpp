// The session's commands and what is written to claude. Reading is in live_session_input.cpp.
#include "agent/session/live_session.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/claude/start_options.hpp"
#include "agent/claude/stream_encode.hpp"
#include "agent/events/prompt_rows.hpp"
#include "agent/session/engine_rows.hpp"
#include "agent/session/event_bodies.hpp"
#include "agent/session/uuid.hpp"
#include "proto/limits.hpp"

namespace agent::session {
namespace asio = boost::asio;
using common::db::connection;
using steady = std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds interrupt_timeout{10};
// A turn that is interrupted tells its result within some 50 ms (measured with 2.1.329).
constexpr std::chrono::seconds last_result_timeout{2};

void store_prompts(connection& c, const std::vector<prompt_change>& changes, std::int64_t now_ms) {
    for (const auto& change : changes) {
        if (!change.outcome) {
            events::set_prompt_state(c, change.uuid, change.state, now_ms);
            continue;
        }
        json outcome = {
            {"isError", change.outcome->is_error}, {"text", change.outcome->text}, {"error", change.outcome->error}};
        if (!change.outcome->result.empty()) outcome["result"] = json::parse(change.outcome->result, nullptr, false);
        events::end_prompt(c, change.uuid, change.state, dump(outcome), now_ms);
    }
}

// Everything that a commit writes besides its events; owned by the batch.
struct stored_changes {
    events::session_row row;
    std::string memory;
    std::vector<prompt_change> prompts;
    std::vector<events::permission_row> asked;
    std::vector<permission_change> answered;
    std::vector<std::string> withdrawn;
    std::int64_t now_ms = 0;

    void write(connection& c) const {
        events::save_session(c, row);
        save_memory(c, row.id, memory);
        store_prompts(c, prompts, now_ms);
        for (const auto& each : asked) events::insert_permission(c, each);
        for (const auto& each : answered) {
            events::answer_permission(c, row.id, each.request_id, each.state, each.by, now_ms);
            save_answer_line(c, row.id, each.request_id, each.line);
        }
        for (const auto& id : withdrawn)
            events::answer_permission(c, row.id, id, events::permission_state::withdrawn, {}, now_ms);
    }
};

}  // namespace

live_session::live_session(session_services& services, events::session_row row, turn_memory memory,
                           std::unique_ptr<hold::client> client, json options)
    : services_(services),
      reducer_(std::move(row), std::move(memory)),
      client_(std::move(client)),
      lock_(services.executor),
      inbox_changed_(services.executor),
      committed_offset_(static_cast<std::uint64_t>(reducer_.row().spool_offset)),
      outbox_changed_(services.executor),
      options_(std::move(options)),
      // Random: the answer to an earlier agent's request may still be in the spool.
      initialize_id_("codez-" + random_uuid()) {
    const std::int64_t own = reducer_.memory().expiry_s;
    const std::int64_t most = services_.options.permission_expiry_s;
    reducer_.expire_after(own > 0 && most > 0 ? std::min(own, most) : std::max(own, most));
}

void live_session::run(common::async::task_group& group) {
    post(claude::encode_initialize(initialize_id_, claude::option_members(options_)));
    group.spawn(read());
    group.spawn(process());
    group.spawn(write());
    group.spawn(expire());
}

void live_session::post(std::string line) {
    last_active_ = steady::now();
    outbox_.push_back(std::move(line));
    outbox_changed_.notify_all();
}

asio::awaitable<void> live_session::write() {
    const auto self = shared_from_this();
    while (!over_ && !input_ended_) {
        if (outbox_.empty()) {
            const bool notified = co_await outbox_changed_.wait();
            if (!notified) co_return;
            continue;
        }
        std::string line = std::move(outbox_.front());
        outbox_.pop_front();
        const auto written = co_await client_->write_line(std::move(line));
        // Claude or its holder is gone, which the reader learns too; nothing else may follow a line that was lost.
        if (!written) {
            if (!services_.stopping) client_->end(services_.options.end_grace);
            co_return;
        }
    }
}

live_session::task<std::int64_t> live_session::commit(reduction& changes,
                                                      std::function<void(connection&, std::int64_t)> more) {
    auto stored = std::make_shared<stored_changes>();
    stored->row = reducer_.row();
    stored->memory = to_json(reducer_.memory());
    stored->prompts = changes.prompts;
    stored->asked = changes.asked;
    stored->answered = changes.answered;
    stored->withdrawn = changes.withdrawn;
    stored->now_ms = session_services::now_ms();
    events::batch batch;
    batch.events = changes.events;
    batch.also = [stored, more = std::move(more)](connection& c, std::int64_t first_seq) {
        stored->write(c);
        if (more) more(c, first_seq);
    };
    const std::uint64_t offset = static_cast<std::uint64_t>(stored->row.spool_offset);
    auto last = co_await services_.log.append(std::move(batch));
    if (!last) {
        store_trouble_ = "Events of session " + row().id + " cannot be stored: " + last.error().message;
        co_return last;
    }
    store_trouble_.clear();
    committed_offset_ = offset;
    if (services_.on_row && reducer_.memory().announced) services_.on_row(row());
    // Before the barrier none is written here: passing the barrier sends those that claude has not got.
    if (ready_)
        for (const auto& each : changes.answered) post(each.line);
    if (!changes.prompts.empty() || !changes.asked.empty() || !changes.answered.empty() || !changes.withdrawn.empty())
        services_.tell_changed();
    co_return last;
}

proto::error live_session::ended_error() const {
    proto::error out;
    out.code = proto::error_code::session_busy;
    out.message = "The session is just ending.";
    out.hint = "Send the prompt again in a moment: the session is then resumed.";
    return out;
}

live_session::task<void> live_session::until_ready() {
    const auto self = shared_from_this();
    const auto deadline = steady::now() + services_.options.start_timeout;
    while (!ready_ && !over_ && !services_.stopping) {
        if (steady::now() >= deadline) break;
        co_await services_.changed.wait_until(deadline);
    }
    if (ready_ && !over_) co_return proto::result<void>();
    if (!over_ && !services_.stopping) {
        start_error_ = "Claude Code did not answer within " +
                       std::to_string(services_.options.start_timeout.count() / 1000) + " s of its start.";
        co_await end();
    }
    co_return proto::fail(proto::error_code::internal,
                          start_error_.empty() ? "Claude Code ended while it was starting." : start_error_,
                          "Run `claude -p hello` in the session's directory on that machine to see more.");
}

live_session::task<std::int64_t> live_session::announce() {
    const auto self = shared_from_this();
    const auto guard = co_await lock_.acquire();
    if (!guard || over_) co_return std::unexpected(ended_error());
    const turn_reducer before = reducer_;
    reduction changes;
    reducer_.announce(session_services::now_ms(), changes);
    const auto count = static_cast<std::int64_t>(changes.events.size());
    const auto last = co_await commit(changes, {});
    if (!last) {
        reducer_ = before;
        co_return std::unexpected(last.error());
    }
    co_return *last - count;
}

live_session::task<void> live_session::tell_started() {
    const auto self = shared_from_this();
    const auto guard = co_await lock_.acquire();
    if (!guard || over_) co_return std::unexpected(ended_error());
    const turn_reducer before = reducer_;
    reduction changes;
    reducer_.on_started(session_services::now_ms(), changes);
    const auto last = co_await commit(changes, {});
    if (last) co_return proto::result<void>();
    reducer_ = before;
    co_return std::unexpected(last.error());
}

live_session::task<std::optional<sent>> live_session::open_prompt(events::log& log, const turn_memory& memory,
                                                                  prompt_request prompt, std::string principal_key) {
    auto row = std::make_shared<std::optional<events::prompt_row>>();
    const auto looked = co_await log.run([row, prompt, principal_key](connection& c) {
        *row = events::find_open_prompt(c, prompt.session_id, principal_key, prompt.text);
    });
    if (!looked) co_return std::unexpected(looked.error());
    // One that no claude will have to do never ends.
    if (!*row || !memory.prompts.contains((*row)->uuid)) co_return std::nullopt;
    sent out;
    out.prompt_uuid = (*row)->uuid;
    out.via = (*row)->via;
    out.cursor = (*row)->cursor;
    out.attached = true;
    co_return out;
}

live_session::task<sent> live_session::send(prompt_request prompt, std::string via, std::string principal_key) {
    const auto self = shared_from_this();
    const auto guard = co_await lock_.acquire();
    if (conflict_) co_return std::unexpected(*conflict_);
    if (!guard || over_ || ending_ || input_ended_) co_return std::unexpected(ended_error());
    if (prompt.attach) {
        auto before = co_await open_prompt(services_.log, reducer_.memory(), prompt, principal_key);
        if (!before) co_return std::unexpected(before.error());
        if (*before) co_return std::move(**before);
        if (over_ || ending_ || input_ended_) co_return std::unexpected(ended_error());
    }
    if (reducer_.memory().prompts.size() >= proto::limits::queued_prompts_max) {
        co_return proto::fail(
            proto::error_code::resource_exhausted,
            "The session has " + std::to_string(proto::limits::queued_prompts_max) + " prompts waiting.",
            "Wait until some of them are done, or abort the session.");
    }
    auto row = std::make_shared<events::prompt_row>();
    row->uuid = prompt.prompt_uuid;
    row->session_id = prompt.session_id;
    row->text = prompt.text;
    row->principal = std::move(principal_key);
    row->via = via;
    row->created_at = row->updated_at = session_services::now_ms();

    const turn_reducer before = reducer_;
    reduction changes;
    // Before the barrier it is not written here: passing the barrier gives claude all that it has not got.
    const bool given = ready_;
    reducer_.on_prompt_accepted(prompt.prompt_uuid, prompt.text, row->created_at, changes,
                                given ? prompt_progress::accepted : prompt_progress::waiting);
    const auto count = static_cast<std::int64_t>(changes.events.size());
    auto insert = [row](connection& c, std::int64_t first_seq) {
        events::prompt_row stored = *row;
        stored.cursor = first_seq - 1;
        events::insert_prompt(c, stored);
    };
    const auto last = co_await commit(changes, std::move(insert));
    if (!last) {
        reducer_ = before;
        co_return std::unexpected(last.error());
    }
    if (given) post(claude::encode_prompt(prompt.prompt_uuid, prompt.text, prompt.images));
    sent out;
    out.prompt_uuid = prompt.prompt_uuid;
    out.via = std::move(via);
    out.cursor = *last - count;
    co_return out;
}

live_session::task<claude::control_reply> live_session::ask(std::string request_id, std::string line,
                                                            std::chrono::milliseconds timeout) {
    const auto deadline = steady::now() + timeout;
    replies_.emplace(request_id, std::nullopt);
    post(std::move(line));
    while (!over_ && !services_.stopping && !replies_[request_id] && steady::now() < deadline)
        co_await services_.changed.wait_until(deadline);
    auto reply = std::move(replies_[request_id]);
    replies_.erase(request_id);
    if (reply) co_return std::move(*reply);
    co_return proto::fail(over_ ? proto::error_code::session_busy : proto::error_code::timeout,
                          over_ ? "The session ended meanwhile." : "Claude Code did not react in time.",
                          over_ ? "" : "Dispose of the session if it does not react at all; it can be resumed.");
}

live_session::task<aborted> live_session::interrupt() {
    const auto self = shared_from_this();
    aborted out;
    out.was_running = reducer_.working();
    if (!out.was_running || over_) co_return out;
    const std::string id = "codez-" + random_uuid();
    const auto reply = co_await ask(id, claude::encode_interrupt(id), interrupt_timeout);
    if (!reply && !over_) co_return std::unexpected(reply.error());
    co_return out;
}

asio::awaitable<void> live_session::end() {
    const auto self = shared_from_this();
    const bool first = !std::exchange(ending_, true);
    if (first && reducer_.busy() && !over_) {
        const auto stopped = co_await interrupt();
        const auto deadline = steady::now() + last_result_timeout;
        while (stopped && reducer_.busy() && !over_ && steady::now() < deadline)
            co_await services_.changed.wait_until(deadline);
    }
    if (first && !over_) client_->end(services_.options.end_grace);
    while (!over_ && !services_.stopping) co_await services_.changed.wait();
}

}  // namespace agent::session
