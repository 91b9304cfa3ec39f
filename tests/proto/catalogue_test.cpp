// Every declaration is held to the rules that clients, hub and agent rely on.
#include "proto/catalogue.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "proto/error.hpp"
#include "proto/json_scanner.hpp"
#include "proto/limits.hpp"
#include "proto/schema.hpp"

namespace proto {
namespace {

using nlohmann::json;

principal with_scopes(std::vector<std::string> scopes) {
    principal who;
    who.scopes = std::move(scopes);
    return who;
}

TEST(catalogue, has_the_tools_in_their_fixed_order) {
    EXPECT_EQ(tools().names(),
              (std::vector<std::string>{"list_machines",      "get_machine",        "list_projects",  "list_sessions",
                                        "get_session",        "create_session",     "fork_session",   "update_session",
                                        "send_prompt",        "send_and_wait",      "poll_events",    "get_events",
                                        "list_permissions",   "respond_permission", "revoke_grant",   "abort_session",
                                        "dispose_session",    "session_diff",       "rewind_session", "get_health",
                                        "get_health_details", "get_state",          "update_state"}));
}

TEST(catalogue, finds_by_name) {
    ASSERT_NE(tools().find("send_prompt"), nullptr);
    EXPECT_EQ(tools().find("send_prompt")->route, tool_route::session);
    EXPECT_EQ(tools().find("nonsense"), nullptr);
    EXPECT_EQ(tools().find(""), nullptr);
}

TEST(catalogue, schemas_only_use_keywords_that_are_checked) {
    for (const auto& t : tools().all()) {
        EXPECT_EQ(unknown_keywords(t.input_schema), std::vector<std::string>{}) << t.name;
        EXPECT_EQ(unknown_keywords(t.output_schema), std::vector<std::string>{}) << t.name;
    }
}

TEST(catalogue, schemas_suit_every_client) {
    for (const auto& t : tools().all()) {
        EXPECT_EQ(t.input_schema.at("type"), "object") << t.name;
        EXPECT_EQ(t.input_schema.at("additionalProperties"), false) << t.name;
        EXPECT_TRUE(t.input_schema.contains("properties")) << t.name;
        EXPECT_EQ(t.output_schema.at("type"), "object") << t.name;                 // legacy clients need an object
        EXPECT_FALSE(t.output_schema.contains("additionalProperties")) << t.name;  // answers may grow
        // The Messages API refuses these at the top of an input schema.
        for (const auto* keyword : {"anyOf", "oneOf", "allOf"})
            EXPECT_FALSE(t.input_schema.contains(keyword)) << t.name;
        for (const auto& [name, property] : t.input_schema.at("properties").items()) {
            EXPECT_TRUE(property.contains("type")) << t.name << "." << name;
            EXPECT_FALSE(property.value("description", "").empty()) << t.name << "." << name;
            if (property.at("type") == "string" && !property.contains("enum"))
                EXPECT_TRUE(property.contains("maxLength")) << t.name << "." << name;
            if (property.at("type") == "integer")
                EXPECT_TRUE(property.contains("minimum") && property.contains("maximum")) << t.name << "." << name;
            if (property.contains("default"))
                EXPECT_TRUE(validate(property, property["default"])) << t.name << "." << name;
        }
    }
}

TEST(catalogue, declarations_are_complete_and_consistent) {
    const principal everything = with_scopes({"mcp:tools"});
    std::set<std::string> names;
    for (const auto& t : tools().all()) {
        EXPECT_TRUE(names.insert(t.name).second);
        EXPECT_FALSE(t.title.empty());
        EXPECT_GE(t.description.size(), 60U) << t.name;
        EXPECT_TRUE(everything.has_scope(t.scope)) << t.name << " " << t.scope;
        ASSERT_EQ(t.annotations.size(), 4U) << t.name;
        for (const auto* hint : {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"})
            EXPECT_TRUE(t.annotations.at(hint).is_boolean()) << t.name;
        EXPECT_EQ(t.annotations["readOnlyHint"], !t.write) << t.name;
        EXPECT_EQ(t.annotations["idempotentHint"], t.idempotent) << t.name;
        const auto& properties = t.input_schema.at("properties");
        EXPECT_EQ(properties.contains("idempotency_key"), t.write) << t.name;
        EXPECT_EQ(properties.contains("machine"), t.name != "list_machines") << t.name;
        for (const auto& group : t.any_required)
            for (const auto& name : group) EXPECT_TRUE(properties.contains(name)) << t.name << "." << name;
        if (t.input_schema.contains("required"))
            for (const auto& name : t.input_schema["required"]) EXPECT_TRUE(properties.contains(name)) << t.name;
        if (t.output_schema.contains("required"))
            for (const auto& name : t.output_schema["required"])
                EXPECT_TRUE(t.output_schema["properties"].contains(name)) << t.name;
    }
}

TEST(catalogue, bounds_are_those_of_the_limits) {
    const auto property = [](const char* tool, const char* name) {
        return tools().find(tool)->input_schema.at("properties").at(name);
    };
    EXPECT_EQ(property("poll_events", "timeout_ms").at("maximum"), limits::poll_wait_ms_max);
    EXPECT_EQ(property("poll_events", "timeout_ms").at("default"), limits::poll_wait_ms_default);
    EXPECT_EQ(property("poll_events", "limit").at("maximum"), limits::events_page_max);
    EXPECT_EQ(property("poll_events", "limit").at("default"), limits::events_page_default);
    EXPECT_EQ(property("poll_events", "cursor").at("maxLength"), limits::cursor_bytes_max);
    EXPECT_EQ(property("get_events", "limit").at("maximum"), limits::events_page_max);
    EXPECT_EQ(property("get_events", "limit").at("default"), limits::events_page_default);
    EXPECT_EQ(property("session_diff", "max_bytes").at("maximum"), limits::diff_bytes_max);
    EXPECT_EQ(property("session_diff", "max_bytes").at("default"), limits::diff_bytes_default);
    EXPECT_EQ(property("list_sessions", "limit").at("maximum"), limits::list_page_max);
    EXPECT_EQ(property("list_sessions", "limit").at("default"), limits::list_page_default);
    EXPECT_EQ(property("send_prompt", "text").at("maxLength"), limits::prompt_bytes_max);
    EXPECT_EQ(property("send_and_wait", "text").at("maxLength"), limits::prompt_bytes_max);
    EXPECT_EQ(property("send_and_wait", "timeout_ms").at("maximum"), limits::send_and_wait_ms_max);
    EXPECT_EQ(property("send_and_wait", "timeout_ms").at("default"), limits::send_and_wait_ms_default);
    EXPECT_EQ(property("create_session", "title").at("maxLength"), limits::title_bytes_max);
    EXPECT_EQ(property("create_session", "cwd").at("maxLength"), limits::path_bytes_max);
    EXPECT_EQ(property("send_prompt", "idempotency_key").at("maxLength"), limits::idempotency_key_bytes_max);
    EXPECT_EQ(property("send_prompt", "session_id").at("maxLength"), limits::id_bytes_max);
    EXPECT_EQ(property("send_prompt", "machine").at("maxLength"), limits::name_bytes_max);
}

TEST(catalogue, list_is_the_tools_array_of_mcp) {
    const auto list = json::parse(tools().list_json());
    ASSERT_EQ(list.size(), tools().all().size());
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto& t = tools().all()[i];
        EXPECT_EQ(list[i].at("name"), t.name);
        EXPECT_EQ(list[i].at("inputSchema"), t.input_schema);
        EXPECT_EQ(list[i].at("outputSchema"), t.output_schema);
        EXPECT_EQ(list[i].at("annotations").at("title"), t.title);
        EXPECT_EQ(list[i].at("_meta").at("codez/scope"), t.scope);
        EXPECT_TRUE(is_json_object(t.listing));
    }
}

TEST(catalogue, callers_see_what_they_may_call) {
    const auto names = [](const principal& who) {
        std::vector<std::string> names;
        for (const auto& item : json::parse(tools().list_json(who))) names.push_back(item.at("name"));
        return names;
    };
    EXPECT_EQ(names(with_scopes({"mcp:tools"})), tools().names());
    EXPECT_EQ(names(with_scopes({"machines:read", "health:read"})),
              (std::vector<std::string>{"list_machines", "get_machine", "get_health", "get_health_details"}));
    EXPECT_EQ(tools().list_json(principal{}), "[]");
}

TEST(catalogue, digest_is_sixteen_hex_digits) {
    EXPECT_EQ(tools().digest().size(), 16U);
    EXPECT_EQ(tools().digest().find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_EQ(tools().digest(), tools().digest());
}

}  // namespace
}  // namespace proto
