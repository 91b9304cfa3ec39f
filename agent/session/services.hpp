// What every live session needs of the engine around it. Owned by the engine, outlives its sessions; I/O thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include <boost/asio/any_io_executor.hpp>

#include "agent/events/log.hpp"
#include "agent/events/session_rows.hpp"
#include "agent/session/options.hpp"
#include "common/async/event_signal.hpp"

namespace agent::session {

struct session_services {
    session_services(boost::asio::any_io_executor e, const engine_options& o, events::log& l)
        : executor(e), options(o), log(l), changed(e) {}

    boost::asio::any_io_executor executor;
    engine_options options;
    events::log& log;
    // Notified when a prompt is settled, a permission is asked or resolved, a session gets ready or is over. `changes`
    // counts, so that nobody misses one between looking and waiting.
    common::async::event_signal changed;
    std::uint64_t changes = 0;
    std::function<void(const events::session_row&)> on_row;  // after every commit
    std::function<void()> on_over;                           // a session's process has ended, and that is stored
    bool stopping = false;

    void tell_changed() {
        ++changes;
        changed.notify_all();
    }
    static std::int64_t now_ms() {
        using namespace std::chrono;
        return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
    }
};

}  // namespace agent::session
