// Values of the request fields that decide something, out of a client's hands.
#include <string>

#include <nlohmann/json.hpp>

#include "common/auth/credential.hpp"
#include "common/mcp/cors.hpp"
#include "common/mcp/media_types.hpp"
#include "common/mcp/param_headers.hpp"
#include "common/net/http_format.hpp"
#include "common/net/origin_policy.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace fuzz {

void run(std::string_view input) {
    using namespace common::mcp;
    const auto kind = take_byte(input);
    const std::string value(input);

    common::net::http_request request;
    for (const char* name : {"Accept", "Content-Type", "Authorization", "Host", "Origin"})
        request.fields.add(name, value);
    if (kind & 1) request.fields.add("X-Codez-Api-Key", value);
    if (kind & 2) request.fields.add("Accept", value);
    request.peer_is_loopback = (kind & 4) != 0;
    (void)read_accept(request.fields);
    (void)has_json_content(request.fields);
    if (const auto credential = common::auth::find_credential(request)) require(credential->size() <= value.size());
    const common::net::origin_policy policy("https://hub.example.com", {"https://app.example.com"});
    // From elsewhere only these names are answered for.
    if (policy.accepts_host(request) && !request.peer_is_loopback) require(value.size() == 15 || value.size() == 19);
    if (policy.accepts_origin(request) && !request.peer_is_loopback) require(value.size() == 23);
    request.fields.add("Access-Control-Request-Headers", value);
    auto preflight = preflight_answer(request);
    if (policy.accepts_origin(request)) preflight.fields.add_all(cors_fields(request));
    // Throws for a field that would change the answer's structure.
    (void)common::net::format_response_head({.status = 204, .fields = &preflight.fields, .now = {}});

    if (const auto text = decode_field(input)) {
        // What was decoded is UTF-8, since it is compared with JSON.
        require(nlohmann::json::parse(
                    nlohmann::json(*text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)) == *text);
    }
    const header_parameter parameter{"Region", {"region"}};
    const std::string arguments = nlohmann::json{{"region", "eu"}}.dump();
    if (field_matches(parameter, arguments, input)) require(decode_field(input) == "eu");
    (void)field_matches({"N", {"a", "b"}}, input, "1");
    (void)header_parameters_of(input);
}

}  // namespace fuzz
