// A session engine without claude: it keeps what it is told, writes the events that matter to the tools, and answers as
// the test says.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "agent/session/engine.hpp"
#include "common/async/event_signal.hpp"

namespace agent::tools::test {

class fake_engine final : public session::engine {
public:
    fake_engine(boost::asio::any_io_executor executor, events::log*& log) : changed(std::move(executor)), log_(log) {}

    std::map<std::string, session::details> sessions;
    std::vector<session::create_request> created;
    std::vector<session::adoption> adopted;
    std::vector<session::prompt_request> prompts;
    std::vector<session::permission_answer> answers;
    events::answerer revoked_by;
    std::vector<session::update_request> updates;
    std::vector<session::rewind_request> rewinds;
    std::vector<session::fork_request> forks;
    int aborts = 0;
    int disposals = 0;
    bool busy = false;                    // what abort() finds
    bool silent = false;                  // create() announces nothing, as if the agent died before
    int throws = 0;                       // so many calls of create() end by an exception
    std::optional<proto::error> refusal;  // the next command fails with it
    session::turn_outcome outcome = done("the answer");
    std::optional<session::turn_outcome> after_answers;  // becomes the outcome with the last answer
    bool waits_for_cancel = false;                       // wait_for_turn() ends by its token only
    int waiting = 0;
    std::vector<std::pair<std::string, std::string>> troubles;
    std::set<std::string> opened_elsewhere;
    common::async::event_signal changed;

    static session::turn_outcome done(std::string text) {
        session::turn_outcome out;
        out.done = true;
        out.state = "completed";
        out.text = std::move(text);
        out.result = R"({"type":"result","subtype":"success","costUsd":0.1,"durationMs":5,"usage":{}})";
        return out;
    }
    session::details& add(std::string id, std::string cwd, std::int64_t updated_ms = 1000) {
        session::details& made = sessions[id];
        made.session.id = id;
        made.session.cwd = std::move(cwd);
        made.session.slug = "-slug";
        made.session.permission_mode = "default";
        made.session.status = "idle";
        made.session.state = "idle";
        made.session.created_at_ms = 1000;
        made.session.updated_at_ms = updated_ms;
        made.session.metadata = "{}";
        return made;
    }

    bool is_opened_elsewhere(const std::string& id) const override { return opened_elsewhere.contains(id); }
    task<void> start() override { co_return proto::result<void>(); }
    boost::asio::awaitable<void> stop() override { co_return; }

    task<session::created> create(session::create_request request, proto::principal) override {
        if (throws > 0) {
            --throws;
            throw std::runtime_error("a bug");
        }
        if (auto no = refused()) co_return std::unexpected(*no);
        created.push_back(request);
        const std::string id = request.session_id.empty() ? fmt::format("made-{}", created.size()) : request.session_id;
        add(id, request.cwd).session.status = "live";
        const std::int64_t cursor = co_await tell(id, "session.created", R"({"session":{}})", false);
        co_return session::created{id, request.cwd, cursor};
    }
    task<void> adopt_session(session::adoption what, proto::principal) override {
        if (auto no = refused()) co_return std::unexpected(*no);
        adopted.push_back(what);
        auto& made = add(what.session_id, what.cwd);
        made.session.transcript_base = what.transcript_end;
        co_return proto::result<void>();
    }
    task<session::sent> send_prompt(session::prompt_request request, proto::principal) override {
        if (auto no = refused()) co_return std::unexpected(*no);
        const bool before =
            !request.prompt_uuid.empty() &&
            std::ranges::find(prompts, request.prompt_uuid, &session::prompt_request::prompt_uuid) != prompts.end();
        while (before && !cursors_.contains(request.prompt_uuid)) co_await changed.wait();
        if (before) co_return session::sent{request.prompt_uuid, "live", cursors_.at(request.prompt_uuid)};
        if (request.attach && request.prompt_uuid.empty() && !outcome.done) {
            const auto same = std::ranges::find_if(
                prompts, [&](const auto& p) { return p.session_id == request.session_id && p.text == request.text; });
            if (same != prompts.end())
                co_return session::sent{same->prompt_uuid, "live", cursors_.at(same->prompt_uuid), true};
        }
        if (request.prompt_uuid.empty()) request.prompt_uuid = fmt::format("prompt-{}", prompts.size());
        prompts.push_back(request);
        const std::string body = fmt::format(
            R"({{"message":{{"id":"{}","sessionId":"{}","role":"user","time":{{"created":1}},"parts":[{{"id":"p","type":"text","text":"x"}}]}}}})",
            request.prompt_uuid, request.session_id);
        const std::int64_t cursor = co_await tell(request.session_id, "message.created", body, true);
        cursors_[request.prompt_uuid] = cursor;
        changed.notify_all();
        co_return session::sent{request.prompt_uuid, "live", cursor};
    }
    task<session::turn_outcome> wait_for_turn(session::wait_request request) override {
        ++waiting;
        changed.notify_all();
        if (request.token) request.token->on_cancel([this] { changed.notify_all(); });
        const auto goes_on = [&] { return waits_for_cancel || is_open(request.until_resolved); };
        while (goes_on() && request.token && !request.token->cancelled()) co_await changed.wait();
        --waiting;
        auto out = outcome;
        if (waits_for_cancel) out = session::turn_outcome();
        out.cursor = log_->last_seq();
        co_return out;
    }
    task<void> respond_permission(session::permission_answer answer, proto::principal) override {
        if (auto no = refused()) co_return std::unexpected(*no);
        answers.push_back(answer);
        std::erase_if(outcome.pending, [&](const auto& one) { return one.request_id == answer.request_id; });
        if (after_answers && outcome.pending.empty()) outcome = *after_answers;
        co_return proto::result<void>();
    }
    task<int> revoke_grants(std::string id, std::string grant_id, events::answerer by) override {
        const auto found = sessions.find(id);
        if (found == sessions.end()) co_return unknown();
        revoked_by = by;
        co_return static_cast<int>(std::erase_if(
            found->second.grants, [&](const auto& grant) { return grant_id.empty() || grant.id == grant_id; }));
    }
    task<session::created> fork(session::fork_request request, proto::principal) override {
        if (!sessions.contains(request.session_id)) co_return unknown();
        if (auto no = refused()) co_return std::unexpected(*no);
        const std::string id =
            request.new_session_id.empty() ? fmt::format("fork-{}", forks.size()) : request.new_session_id;
        const auto& of = sessions.at(request.session_id);
        const std::string cwd = of.session.cwd;
        auto& made = add(id, cwd);
        made.session.status = "live";
        made.forked_from = request.session_id;
        forks.push_back(std::move(request));
        const std::int64_t cursor = co_await tell(id, "session.created", R"({"session":{}})", false);
        co_return session::created{id, cwd, cursor};
    }
    task<void> update(session::update_request request) override {
        if (!sessions.contains(request.session_id)) co_return unknown();
        if (auto no = refused()) co_return std::unexpected(*no);
        auto& session = sessions[request.session_id].session;
        if (!request.title.empty()) session.title = request.title;
        if (!request.model.empty()) session.model = request.model;
        if (!request.permission_mode.empty()) session.permission_mode = request.permission_mode;
        updates.push_back(std::move(request));
        co_return proto::result<void>();
    }
    task<session::rewound> rewind(session::rewind_request request) override {
        if (!sessions.contains(request.session_id)) co_return unknown();
        if (auto no = refused()) co_return std::unexpected(*no);
        rewinds.push_back(std::move(request));
        co_return session::rewound{{"/w/a.txt"}, 3, 1};
    }
    task<session::aborted> abort(std::string id) override {
        if (!sessions.contains(id)) co_return unknown();
        if (auto no = refused()) co_return std::unexpected(*no);
        ++aborts;
        co_return session::aborted{busy};
    }
    task<void> dispose(std::string id) override {
        if (!sessions.contains(id)) co_return unknown();
        ++disposals;
        co_return proto::result<void>();
    }
    task<session::details> get(std::string id) override {
        const auto found = sessions.find(id);
        if (found == sessions.end()) co_return unknown();
        co_return found->second;
    }
    task<std::vector<session::summary>> list(session::list_filter filter) override {
        std::vector<session::summary> out;
        for (const auto& [id, one] : sessions)
            if (filter.status.empty() || filter.status == one.session.status) out.push_back(one.session);
        std::ranges::sort(out, [](const auto& a, const auto& b) {
            return std::pair(a.updated_at_ms, a.id) > std::pair(b.updated_at_ms, b.id);
        });
        if (filter.before_ms > 0)
            std::erase_if(out, [&](const auto& s) {
                return std::pair(s.updated_at_ms, s.id) >= std::pair(filter.before_ms, filter.before_id);
            });
        if (out.size() > static_cast<std::size_t>(filter.limit)) out.resize(static_cast<std::size_t>(filter.limit));
        co_return out;
    }
    task<std::vector<session::pending_permission>> pending_permissions(std::string id) override {
        std::vector<session::pending_permission> out;
        for (const auto& [own, one] : sessions)
            if (id.empty() || own == id) out.insert(out.end(), one.pending.begin(), one.pending.end());
        co_return out;
    }
    session::engine_health health() const override {
        session::engine_health out;
        out.live_max = 8;
        out.session_troubles = troubles;
        out.claude_version = "9.9.9";
        return out;
    }
    std::vector<session::session_process> processes() const override { return {}; }
    void on_summary(std::function<void(const session::summary&)> observer) override { observer_ = std::move(observer); }

private:
    bool is_open(const std::string& request_id) const {
        return std::ranges::find(outcome.pending, request_id, &session::pending_permission::request_id) !=
               outcome.pending.end();
    }
    static std::unexpected<proto::error> unknown() {
        return proto::fail(proto::error_code::not_found, "This machine has no such session.");
    }
    std::optional<proto::error> refused() { return std::exchange(refusal, std::nullopt); }
    boost::asio::awaitable<std::int64_t> tell(std::string id, std::string type, std::string body, bool starts_turn) {
        if (silent) co_return 0;
        events::batch b;
        b.events.push_back({std::move(id), std::move(type), std::move(body), starts_turn});
        const auto last = co_await log_->append(std::move(b));
        co_return last.value() - 1;
    }

    events::log*& log_;
    std::map<std::string, std::int64_t> cursors_;
    std::function<void(const session::summary&)> observer_;
};

}  // namespace agent::tools::test
