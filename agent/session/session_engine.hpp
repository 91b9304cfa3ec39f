// The engine behind engine.hpp. See there; the parts are in session_engine.cpp (commands), session_permissions.cpp (answers),
// session_launch.cpp (starting), session_recovery.cpp and session_rebuild.cpp (finding again, what the log knows and what it
// does not), session_places.cpp (who may run), session_line.cpp (who waits for that), session_adoption.cpp (taking over what
// others began), session_conflict.cpp (what others run now), session_retention.cpp (what is forgotten), session_fork.cpp,
// session_update.cpp and session_queries.cpp (reading and waiting).
#pragma once

#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/claude/registry.hpp"
#include "agent/session/engine.hpp"
#include "agent/session/live_session.hpp"
#include "agent/session/registry_watch.hpp"
#include "agent/session/services.hpp"
#include "common/async/task_group.hpp"

namespace agent::session {

class session_engine final : public engine {
public:
    session_engine(boost::asio::any_io_executor executor, engine_options options, events::log& log);
    ~session_engine() override;

    task<void> start() override;
    boost::asio::awaitable<void> stop() override;

    task<created> create(create_request request, proto::principal who) override;
    task<void> adopt_session(adoption what, proto::principal who) override;
    task<sent> send_prompt(prompt_request request, proto::principal who) override;
    task<turn_outcome> wait_for_turn(wait_request request) override;
    task<void> respond_permission(permission_answer answer, proto::principal who) override;
    task<int> revoke_grants(std::string session_id, std::string grant_id, events::answerer by) override;
    task<created> fork(fork_request request, proto::principal who) override;
    task<void> update(update_request request) override;
    task<rewound> rewind(rewind_request request) override;
    task<aborted> abort(std::string session_id) override;
    task<void> dispose(std::string session_id) override;

    task<details> get(std::string session_id) override;
    task<std::vector<summary>> list(list_filter filter) override;
    task<std::vector<pending_permission>> pending_permissions(std::string session_id) override;
    engine_health health() const override;
    std::vector<session_process> processes() const override;
    bool is_opened_elsewhere(const std::string& session_id) const override { return others_.contains(session_id); }

    void on_summary(std::function<void(const summary&)> observer) override { observer_ = std::move(observer); }

private:
    using live_ptr = std::shared_ptr<live_session>;

    // Why nobody else may touch a session now. A create is hidden until it is done, a note takes no place.
    enum class claim : std::uint8_t { create, resume, note };
    // Taken before the first wait of what changes a session that has no process; with a place among the live ones.
    class reservation {
    public:
        reservation(session_engine& engine, std::string session_id, claim what);
        ~reservation();
        reservation(const reservation&) = delete;
        reservation& operator=(const reservation&) = delete;

    private:
        session_engine& engine_;
        std::string session_id_;
    };

    void tell_repair(std::string action, std::string details) const;
    int places_used() const;
    live_ptr longest_idle() const;
    // For a reservation that was made: ends idle sessions until there is a place for it. False: all of them work.
    boost::asio::awaitable<bool> make_room();
    boost::asio::awaitable<void> end_idle();
    // The line: sessions with prompts for which there was no place. Each gets one in its turn, see session_line.cpp.
    int position_of(const std::string& session_id) const;
    bool has_room() const;
    // Nothing: it is not the line's any more, try again.
    task<std::optional<sent>> wait_in_line(prompt_request request, std::string principal);
    // False: it was not in the line.
    task<bool> leave_line(std::string session_id);
    task<void> drop_waiting(std::string session_id, events::prompt_state state, std::string error);
    task<void> join_line_again();
    boost::asio::awaitable<void> rejoin_after(live_ptr ended);
    void join_line(const std::string& session_id);
    boost::asio::awaitable<void> serve_line();
    boost::asio::awaitable<void> start_waiting(std::string session_id);
    // Others' claudes, see session_conflict.cpp.
    task<void> watch_registry();
    void registry_changed();
    boost::asio::awaitable<void> look_at_registry();
    void read_registry();
    boost::asio::awaitable<void> mark_mirror(std::string session_id, bool opened);
    std::optional<proto::error> opened_elsewhere(const std::string& session_id) const;
    // Holders that the log does not know, see session_rebuild.cpp.
    boost::asio::awaitable<void> recover_unknown_holders(std::set<std::string> known);
    boost::asio::awaitable<void> recover_unknown(std::filesystem::path directory);
    boost::asio::awaitable<void> take_in(events::session_row row, std::uint64_t offset,
                                         std::unique_ptr<hold::client> holder);
    boost::asio::awaitable<void> forget_old();
    boost::asio::awaitable<bool> forget_one();
    // Without a process: its first prompt starts one.
    task<std::int64_t> announce_idle(events::session_row row, turn_memory memory);
    static proto::error unreachable(const std::string& session_id);
    static proto::error starting(const std::string& session_id);
    bool hidden(const std::string& session_id) const;
    live_ptr find_live(const std::string& session_id) const;
    void drop_ended();
    proto::result<std::filesystem::path> program();
    // Stores the row with its new holder, spawns, waits until claude answers.
    task<live_ptr> launch(events::session_row row, turn_memory memory, int depth);
    struct start_values {
        nlohmann::json options;
        fork_origin origin;
    };
    task<start_values> stored_options(std::string session_id);
    // Null: there is no place for it now.
    task<live_ptr> resume(std::string session_id, int depth);
    boost::asio::awaitable<void> recover(events::session_row row, turn_memory memory);
    boost::asio::awaitable<void> recover_later(events::session_row row, turn_memory memory);
    void adopt(const live_ptr& live);
    task<void> store(events::session_row row, turn_memory memory);

    task<sent> sent_before(prompt_request request, bool& found);
    summary summary_of(const events::session_row& row) const;
    proto::error not_open(const permission_answer& answer, const std::optional<events::permission_row>& row) const;

    session_services services_;
    std::map<std::string, live_ptr> live_;
    std::map<std::string, claim> starting_;
    std::deque<std::string> waiting_;
    bool serving_line_ = false;
    registry_watch registry_;
    bool registry_looks_due_ = false;
    bool looking_at_registry_ = false;
    std::map<std::string, claude::running_claude> others_;  // by the session that they have open
    std::set<std::string> mirrors_;                         // those of them whose rows say so
    std::set<std::string> not_ours_;                        // sessions of theirs that the log does not know
    proto::result<std::filesystem::path> program_;
    std::string program_version_;
    std::map<std::string, std::string> recovery_troubles_;  // by session
    std::function<void(const summary&)> observer_;
    common::async::task_group tasks_;
};

}  // namespace agent::session
