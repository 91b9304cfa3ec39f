#include "hub/relay/routing_arguments.hpp"

#include <cmath>

#include <simdjson.h>

#include "proto/limits.hpp"

namespace hub::relay {

namespace {

proto::result<std::string> string_field(simdjson::ondemand::value value, const char* name, std::size_t bytes_max) {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS || text.size() > bytes_max)
        return proto::fail(
            proto::error_code::invalid_argument,
            "`" + std::string(name) + "` must be a string of at most " + std::to_string(bytes_max) + " bytes.");
    return std::string(text);
}

}  // namespace

proto::result<routing_arguments> read_routing_arguments(std::string_view raw) {
    namespace limits = proto::limits;
    routing_arguments found;
    simdjson::ondemand::parser parser;
    const simdjson::padded_string text(raw);
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    const auto malformed = [] {
        return proto::fail(proto::error_code::invalid_argument, "The arguments must be one JSON object.");
    };
    if (parser.iterate(text).get(document) != simdjson::SUCCESS ||
        document.get_object().get(object) != simdjson::SUCCESS)
        return malformed();
    for (auto entry : object) {
        std::string_view key;
        simdjson::ondemand::value value;
        if (entry.unescaped_key().get(key) != simdjson::SUCCESS || entry.value().get(value) != simdjson::SUCCESS)
            return malformed();
        std::string* into = nullptr;
        std::size_t bytes_max = limits::id_bytes_max;
        if (key == "machine") {
            into = &found.machine;
            bytes_max = limits::name_bytes_max;
        } else if (key == "session_id") {
            into = &found.session_id;
        } else if (key == "cursor") {
            into = &found.cursor;
            bytes_max = limits::cursor_bytes_max;
        } else if (key == "timeout_ms") {
            // As the schema counts: 5000.0 is an integer too. Whatever else it is, the machine refuses it.
            double number = 0;
            if (value.get_double().get(number) == simdjson::SUCCESS && std::abs(number) <= 1e15)
                found.timeout_ms = static_cast<std::int64_t>(number);
            continue;
        } else {
            continue;
        }
        const std::string name(key);
        auto taken = string_field(value, name.c_str(), bytes_max);
        if (!taken) return std::unexpected(std::move(taken.error()));
        *into = std::move(*taken);
    }
    return found;
}

}  // namespace hub::relay
