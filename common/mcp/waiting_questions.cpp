#include "common/mcp/waiting_questions.hpp"

#include <utility>

#include <fmt/format.h>

#include "common/mcp/json_members.hpp"
#include "common/mcp/rpc_text.hpp"

namespace common::mcp {
namespace {

constexpr std::size_t name_length = 22;  // of [a-z0-9]: 113 bits
constexpr std::size_t id_bytes_max = 512;

std::string purpose(std::string_view principal_key) { return "mcp-question-1/" + std::string(principal_key); }

}  // namespace

std::optional<waiting_questions::ticket> waiting_questions::add(const engine_options& options,
                                                                std::string_view principal_key, taker take) {
    std::string name = options.random_token(name_length);
    std::string id = quote_json(options.seal(fmt::format("{} {}", options.replica, name), purpose(principal_key)));
    const std::lock_guard lock(mutex_);
    if (questions_.size() >= questions_max_) return std::nullopt;
    questions_.emplace(name, std::move(take));
    return std::optional<ticket>(std::in_place, *this, std::move(name), std::move(id));
}

void waiting_questions::answer(const engine_options& options, std::string_view principal_key, std::string_view raw_id,
                               std::string_view result) {
    const std::optional<std::string> sealed = decode_string(raw_id, id_bytes_max);
    if (!sealed) return;
    const std::optional<std::string> plain = options.open(*sealed, purpose(principal_key));
    const std::size_t space = plain ? plain->rfind(' ') : std::string::npos;
    if (space == std::string::npos) return;
    const std::string replica = plain->substr(0, space);
    const std::string name = plain->substr(space + 1);
    if (replica == options.replica) {
        answer_here(name, result);
    } else if (options.forward_answer) {
        options.forward_answer(replica, name, result);
    }
}

bool waiting_questions::answer_here(const std::string& name, std::string_view result) {
    const std::lock_guard lock(mutex_);
    const auto found = questions_.find(name);
    if (found == questions_.end()) return false;
    // Under the lock, so that the call cannot have ended meanwhile; the function only posts.
    found->second(std::string(result));
    questions_.erase(found);
    return true;
}

void waiting_questions::remove(const std::string& name) {
    const std::lock_guard lock(mutex_);
    questions_.erase(name);
}

}  // namespace common::mcp
