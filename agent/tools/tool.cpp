#include "agent/tools/tool.hpp"

#include "proto/cursor.hpp"

namespace agent::tools {

std::string call_context::text(const char* name) const {
    const auto found = arguments.find(name);
    return found == arguments.end() ? std::string() : found->get<std::string>();
}

std::int64_t call_context::number(const char* name, std::int64_t otherwise) const {
    const auto found = arguments.find(name);
    return found == arguments.end() ? otherwise : found->get<std::int64_t>();
}

std::string cursor_at(const services& s, std::int64_t seq, std::int64_t live) {
    proto::cursor_entry here;
    here.machine_id = s.machine->id;
    here.log_id = s.log->log_id();
    here.seq = seq;
    here.live = live;
    proto::cursor c;
    c.entries.push_back(std::move(here));
    return proto::encode_cursor(std::move(c));
}

std::string dump(const nlohmann::json& value) {
    return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace agent::tools
