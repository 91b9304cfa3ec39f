// The engine behind engine.hpp. See there; the parts are in session_engine.cpp (commands), session_launch.cpp (starting
// and finding again), session_adoption.cpp (taking over what others began),
// session_fork.cpp, session_update.cpp and session_queries.cpp (reading and waiting).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/session/engine.hpp"
#include "agent/session/live_session.hpp"
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
    task<aborted> abort(std::string session_id) override;
    task<void> dispose(std::string session_id) override;

    task<details> get(std::string session_id) override;
    task<std::vector<summary>> list(list_filter filter) override;
    task<std::vector<pending_permission>> pending_permissions(std::string session_id) override;
    engine_health health() const override;
    std::vector<session_process> processes() const override;

    void on_summary(std::function<void(const summary&)> observer) override { observer_ = std::move(observer); }

private:
    using live_ptr = std::shared_ptr<live_session>;

    // A place among the live sessions, taken before the first wait of a start and given back if it fails.
    class reservation {
    public:
        reservation(session_engine& engine, std::string session_id, bool fresh);
        ~reservation();
        reservation(const reservation&) = delete;
        reservation& operator=(const reservation&) = delete;

    private:
        session_engine& engine_;
        std::string session_id_;
    };

    proto::result<void> room_for(const std::string& session_id) const;
    void tell_repair(std::string action, std::string details) const;
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
    std::map<std::string, bool> starting_;  // true: being created, nobody knows of it yet
    proto::result<std::filesystem::path> program_;
    std::string program_version_;
    std::map<std::string, std::string> recovery_troubles_;  // by session
    std::function<void(const summary&)> observer_;
    common::async::task_group tasks_;
};

}  // namespace agent::session
