#include "agent/events/part_id.hpp"

#include <simdjson.h>

namespace agent::events {

std::string part_id_of_delta(std::string_view body) {
    simdjson::ondemand::parser parser;
    const simdjson::padded_string text(body);
    simdjson::ondemand::document document;
    std::string_view id;
    if (parser.iterate(text).get(document) || document["partId"].get_string().get(id)) return {};
    return std::string(id);
}

std::string part_id_of_completed(std::string_view body) {
    simdjson::ondemand::parser parser;
    const simdjson::padded_string text(body);
    simdjson::ondemand::document document;
    std::string_view id;
    if (parser.iterate(text).get(document) || document["part"]["id"].get_string().get(id)) return {};
    return std::string(id);
}

}  // namespace agent::events
