// What stands around a result: the JSON-RPC response, and since 2026-07-28 the members that the protocol itself has in
// every result. They are put in front of the relayed object's own, without reading it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace common::mcp {

struct engine_options;
struct client_terms;

enum class result_kind : std::uint8_t { plain, list, resource, input_required, task };

// The members that the engine adds, as `"a":1,"b":2`; before 2026-07-28 only _meta, and only if there is any.
// `meta` are further members of _meta, in the same form.
std::string own_members(const engine_options& options, const client_terms& terms, result_kind kind,
                        std::string_view meta = {});

// {"name":…,"title":…,"version":…}
std::string server_info(const engine_options& options);

// Frames one result that arrives in pieces.
class result_frame {
public:
    result_frame(std::string_view id, std::string own_members);

    // What to send for the next piece of the object; may be empty. The pieces may be cut anywhere.
    std::string take(std::string_view piece);
    // What to send after the last one.
    static constexpr std::string_view tail = "}";

    bool has_begun() const { return at_ != at::start; }

private:
    enum class at : std::uint8_t { start, before_object, before_member, inside };

    std::string id_;
    std::string members_;
    at at_ = at::start;
};

// An object with members put in front of its own.
std::string with_members(std::string_view members, std::string_view object);

// A whole response.
std::string framed(std::string_view id, std::string own_members, std::string_view object);

}  // namespace common::mcp
