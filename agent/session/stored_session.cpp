#include "agent/session/stored_session.hpp"

#include <memory>
#include <utility>

#include "agent/session/engine_rows.hpp"
#include "agent/session/event_bodies.hpp"

namespace agent::session {
namespace asio = boost::asio;
using common::db::connection;

asio::awaitable<proto::result<stored_session>> load_session(events::log& log, std::string id) {
    const auto found = std::make_shared<stored_session>();
    auto look = [found, id = std::move(id)](connection& c) {
        found->row = events::find_session(c, id);
        found->memory = find_memory(c, id);
    };
    const auto looked = co_await log.run(std::move(look));
    if (!looked) co_return std::unexpected(looked.error());
    co_return std::move(*found);
}

events::batch batch_of(const turn_reducer& reducer, const reduction& changes, std::optional<events::prompt_row> prompt,
                       std::int64_t now_ms) {
    struct stored {
        events::session_row row;
        std::string memory;
        std::vector<prompt_change> settled;
        std::optional<events::prompt_row> prompt;
    };
    const auto kept =
        std::make_shared<stored>(reducer.row(), to_json(reducer.memory()), changes.prompts, std::move(prompt));
    events::batch out;
    out.events = changes.events;
    out.also = [kept, now_ms](connection& c, std::int64_t first_seq) {
        events::save_session(c, kept->row);
        save_memory(c, kept->row.id, kept->memory);
        for (const auto& each : kept->settled)
            events::end_prompt(c, each.uuid, each.state,
                               dump(json{{"isError", true}, {"text", ""}, {"error", each.outcome->error}}), now_ms);
        if (!kept->prompt) return;
        events::prompt_row row = *kept->prompt;
        row.cursor = first_seq - 1;
        events::insert_prompt(c, row);
    };
    return out;
}

}  // namespace agent::session
