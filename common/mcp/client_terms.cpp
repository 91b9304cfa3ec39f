#include "common/mcp/client_terms.hpp"

#include <array>

#include "common/mcp/json_members.hpp"

namespace common::mcp {
namespace {

constexpr std::array<std::string_view, 8> level_names{"debug", "info",     "notice", "warning",
                                                      "error", "critical", "alert",  "emergency"};

// Members of an object, absent if they are no objects themselves, as every capability is.
template <std::size_t n>
std::array<std::string_view, n> objects_in(std::string_view object, const std::array<std::string_view, n>& names) {
    std::array<std::string_view, n> values;
    if (!read_members(object, names, values)) values = {};
    for (std::string_view& value : values) {
        if (kind_of(value) != json_kind::object) value = {};
    }
    return values;
}

}  // namespace

client_abilities read_abilities(std::string_view capabilities) {
    const auto [elicitation, sampling, roots, extensions] =
        objects_in<4>(capabilities, {"elicitation", "sampling", "roots", "extensions"});
    const auto [form, url] = objects_in<2>(elicitation, {"form", "url"});
    const auto [tools] = objects_in<1>(sampling, {"tools"});
    const auto [tasks] = objects_in<1>(extensions, {"io.modelcontextprotocol/tasks"});
    client_abilities abilities;
    abilities.elicitation_url = !url.empty();
    // An empty object is what clients sent before there were two modes, and means forms.
    abilities.elicitation_form = !elicitation.empty() && (!form.empty() || url.empty());
    abilities.sampling = !sampling.empty();
    abilities.sampling_tools = !tools.empty();
    abilities.roots = !roots.empty();
    abilities.tasks = !tasks.empty();
    return abilities;
}

std::optional<log_level> parse_log_level(std::string_view name) {
    for (std::size_t i = 0; i < level_names.size(); ++i) {
        if (level_names[i] == name) return static_cast<log_level>(i);
    }
    return std::nullopt;
}

std::string_view to_string(log_level level) { return level_names[static_cast<std::size_t>(level)]; }

}  // namespace common::mcp
