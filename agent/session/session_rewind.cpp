// Putting files back to what they were before a prompt, from the copies that claude keeps; see engine.hpp.
#include <utility>

#include "agent/claude/json_access.hpp"
#include "agent/claude/stream_encode.hpp"
#include "agent/session/event_bodies.hpp"
#include "agent/session/session_engine.hpp"
#include "agent/session/uuid.hpp"
#include "proto/limits.hpp"

namespace agent::session {
using proto::error_code;
using proto::fail;

namespace {

constexpr std::chrono::seconds rewind_timeout{30};
constexpr std::size_t files_told_max = 1000;

rewound rewound_from(const json& response) {
    rewound out;
    if (const auto* files = claude::member(response, "filesChanged"); files != nullptr && files->is_array())
        for (const auto& file : *files)
            if (file.is_string() && out.files.size() < files_told_max) out.files.push_back(file.get<std::string>());
    for (const auto& [name, into] : {std::pair("insertions", &out.insertions), std::pair("deletions", &out.deletions)})
        if (const auto* count = claude::member(response, name); count != nullptr && count->is_number_unsigned())
            *into = count->get<std::int64_t>();
    return out;
}

}  // namespace

live_session::task<json> live_session::ask_rewind(const std::string& prompt_uuid, bool dry_run) {
    const std::string id = "codez-" + random_uuid();
    auto reply = co_await ask(id, claude::encode_rewind_files(id, prompt_uuid, dry_run), rewind_timeout);
    if (!reply) co_return std::unexpected(std::move(reply.error()));
    const auto* can = claude::member(reply->response, "canRewind");
    if (reply->ok && can != nullptr && can->is_boolean() && can->get<bool>()) co_return std::move(reply->response);
    const std::string why = reply->ok ? claude::text_of(reply->response, "error") : reply->error;
    co_return fail(error_code::not_found, "Claude Code cannot rewind to that prompt: " + bounded_text(why, 512),
                   "prompt_id is the promptId of a prompt of this session, from after it was made.");
}

live_session::task<rewound> live_session::rewind(rewind_request wanted) {
    const auto self = shared_from_this();
    if (reducer_.working() || reducer_.busy())
        co_return fail(error_code::session_busy, "A turn of the session is running.",
                       "Wait for session.idle, or abort_session; then rewind.");
    // Only a dry run tells what differs.
    const auto would = co_await ask_rewind(wanted.prompt_uuid, true);
    if (!would) co_return std::unexpected(would.error());
    const rewound out = rewound_from(*would);
    if (wanted.dry_run) co_return out;
    const auto done = co_await ask_rewind(wanted.prompt_uuid, false);
    if (!done) co_return std::unexpected(done.error());

    const auto guard = co_await lock_.acquire();
    if (!guard || over_) co_return out;
    reduction changes;
    changes.events.push_back(make_event(row().id, "session.rewound",
                                        {{"promptId", wanted.prompt_uuid},
                                         {"files", out.files},
                                         {"insertions", out.insertions},
                                         {"deletions", out.deletions}}));
    std::ignore = co_await commit(changes, {});  // it is done; if the log does not take it, it tells its own trouble
    co_return out;
}

session_engine::task<rewound> session_engine::rewind(rewind_request request) {
    const auto options = co_await stored_options(request.session_id);
    if (!options) co_return std::unexpected(options.error());
    const auto* keeps = claude::member(options->options, "enable_file_checkpointing");
    if (keeps == nullptr || !keeps->is_boolean() || !keeps->get<bool>())
        co_return fail(error_code::invalid_argument,
                       "The session was not made with enable_file_checkpointing, so there are no copies of its files.",
                       "session_diff shows what changed; git can put it back.");
    live_ptr live = find_live(request.session_id);
    if (!live || !live->accepts()) {
        const auto resumed = co_await resume(request.session_id, request.depth);
        if (!resumed) co_return std::unexpected(resumed.error());
        live = *resumed;
    }
    if (!live)
        co_return fail(error_code::resource_exhausted, "As many sessions work as this machine runs at a time.",
                       "Try again when one of them is idle.");
    co_return co_await live->rewind(std::move(request));
}

}  // namespace agent::session
