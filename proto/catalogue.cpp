#include "proto/catalogue.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "proto/tool_declarations.hpp"

namespace proto {
namespace {

using json = nlohmann::ordered_json;

constexpr std::array<std::pair<std::string_view, tool_route>, 5> routes{{
    {"one", tool_route::one},
    {"session", tool_route::session},
    {"project", tool_route::project},
    {"fan_out", tool_route::fan_out},
    {"hub", tool_route::hub},
}};

// Throws nlohmann's exceptions on a malformed declaration: these are compiled in, so that is a bug.
tool make_tool(const json& declaration) {
    tool t;
    declaration.at("name").get_to(t.name);
    declaration.at("title").get_to(t.title);
    declaration.at("description").get_to(t.description);
    declaration.at("scope").get_to(t.scope);
    declaration.at("write").get_to(t.write);
    declaration.at("idempotent").get_to(t.idempotent);
    t.input_schema = nlohmann::json::parse(declaration.at("inputSchema").dump());
    t.output_schema = nlohmann::json::parse(declaration.at("outputSchema").dump());
    t.annotations = nlohmann::json::parse(declaration.at("annotations").dump());
    if (declaration.contains("anyRequired")) declaration.at("anyRequired").get_to(t.any_required);
    const auto name = declaration.at("route").get<std::string>();
    const auto route = std::ranges::find(routes, name, &std::pair<std::string_view, tool_route>::first);
    if (route == routes.end()) throw std::invalid_argument("unknown route " + name + " of tool " + t.name);
    t.route = route->second;
    // The order of a Tool in the MCP schema; title also as an annotation, where 2025-03-26 has it.
    json annotations = declaration.at("annotations");
    annotations["title"] = t.title;
    t.listing = json{{"name", t.name},
                     {"title", t.title},
                     {"description", t.description},
                     {"inputSchema", declaration.at("inputSchema")},
                     {"outputSchema", declaration.at("outputSchema")},
                     {"annotations", std::move(annotations)},
                     {"_meta", {{"codez/scope", t.scope}}}}
                    .dump();
    return t;
}

// FNV-1a: tells versions apart, proves nothing.
class fnv1a_hash {
public:
    void add(std::string_view text) {
        for (const char c : text) value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    }
    std::string hex() const {
        std::string text;
        for (int shift = 60; shift >= 0; shift -= 4) text.push_back("0123456789abcdef"[value_ >> shift & 15]);
        return text;
    }

private:
    std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

template <class Wanted>
std::string join_listings(const std::vector<tool>& tools, Wanted wanted) {
    std::string list = "[";
    for (const auto& t : tools)
        if (wanted(t)) list.append(list.size() > 1 ? "," : "").append(t.listing);
    return list + "]";
}

}  // namespace

catalogue::catalogue() {
    fnv1a_hash hash;
    for (const auto text : tool_declarations()) {
        const auto declaration = json::parse(text);
        hash.add(declaration.dump());
        tools_.push_back(make_tool(declaration));
    }
    list_json_ = join_listings(tools_, [](const tool&) { return true; });
    digest_ = hash.hex();
}

const tool* catalogue::find(std::string_view name) const {
    const auto it = std::ranges::find(tools_, name, &tool::name);
    return it == tools_.end() ? nullptr : &*it;
}

std::string catalogue::list_json(const principal& who) const {
    return join_listings(tools_, [&](const tool& t) { return who.has_scope(t.scope); });
}

std::vector<std::string> catalogue::names() const {
    std::vector<std::string> names;
    for (const auto& t : tools_) names.push_back(t.name);
    return names;
}

const catalogue& tools() {
    static const catalogue instance;
    return instance;
}

}  // namespace proto
