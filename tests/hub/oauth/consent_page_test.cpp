// The page on which a person decides says what is true, and nothing from outside is more than text on it.
#include "hub/oauth/consent_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hub/oauth/scopes.hpp"

namespace hub::oauth {
namespace {

using testing::HasSubstr;
using testing::Not;

struct shown {
    authorization_request request;
    client from;
    std::optional<resource_server> resource;
    std::vector<machine_choice> machines;
    std::vector<membership> places{{"w_1", "Acme", tenancy::role::owner}};

    shown() {
        request.id = "ar_1";
        request.redirect_uri = "https://app.example.com/cb";
        request.scopes = {"mcp:tools", "audit:read"};
        from.name = "Editor";
    }
    pages::page page() const { return consent_page({request, from, resource, places, machines, "Ada", "token"}); }
};

TEST(consent_pages, say_who_asks_for_what_and_where_it_leads) {
    const auto page = shown().page();
    for (const char* text :
         {"<strong>Editor</strong>", "nobody has checked it", "app.example.com", "<strong>Ada</strong>",
          "<strong>Acme</strong>", "answer Claude&#39;s permission requests",
          "name=\"scope:sessions:write\" value=\"on\" checked", "name=\"scope:audit:read\" value=\"on\">"})
        EXPECT_THAT(page.main, HasSubstr(text));
    EXPECT_THAT(page.main, Not(HasSubstr("machines:admin"))) << "not asked for";
    EXPECT_THAT(page.main, Not(HasSubstr("Any program on your computer")));
    EXPECT_EQ(page.form_targets, std::vector<std::string>{"https://app.example.com"});
}

TEST(consent_pages, warn_of_programs_on_this_computer) {
    shown one;
    one.request.redirect_uri = "http://127.0.0.1:5/cb";
    EXPECT_THAT(one.page().main, HasSubstr("Any program on your computer"));
}

TEST(consent_pages, name_the_host_that_vouches_for_a_document) {
    shown one;
    one.from.kind = client_kind::document;
    one.from.id = "https://claude.ai/oauth/claude-code-client-metadata";
    EXPECT_THAT(one.page().main, HasSubstr("published at <strong>claude.ai</strong>"));
}

TEST(consent_pages, let_the_person_choose_among_workspaces) {
    shown one;
    one.places.push_back({"w_2", "Other & Sons", tenancy::role::viewer});
    EXPECT_THAT(one.page().main, HasSubstr("value=\"w_2\" required> Other &amp; Sons"));
    EXPECT_THAT(one.page().main, HasSubstr("value=\"*\" required> All of them"));
    EXPECT_EQ(chosen_workspace(pages::parse_form("workspace=w_2").value()), "w_2");
    EXPECT_EQ(chosen_workspace(pages::parse_form("workspace=*").value()), "");
    EXPECT_EQ(chosen_workspace(pages::parse_form("x=y").value()), std::nullopt);
}

TEST(consent_pages, escape_all_that_comes_from_outside) {
    shown one;
    one.from.name = "\"><img src=x onerror=alert(1)><script>alert(1)</script>";
    one.request.redirect_uri = "https://a.example'\"<b>/cb";
    one.places.front().workspace_name = "<i>";
    const auto html = one.page().main;
    for (const char* raw : {"<img", "<script", "<b>", "<i>"}) EXPECT_THAT(html, Not(HasSubstr(raw)));
}

TEST(consent_pages, name_another_resource_and_make_no_promise_about_it) {
    shown one;
    one.resource = {"srv_1", "w_1", "Wiki & co", "https://wiki.example.com/mcp", 0};
    const auto html = one.page().main;
    EXPECT_THAT(html,
                HasSubstr("wants to act for you at <strong>Wiki &amp; co</strong> (https://wiki.example.com/mcp)"));
    EXPECT_THAT(html, Not(HasSubstr("your machines")));
    EXPECT_THAT(html, HasSubstr("type=\"hidden\" name=\"scope:sessions:write\" value=\"on\""));
}

TEST(consent_pages, let_the_person_choose_machines) {
    shown one;
    EXPECT_THAT(one.page().main, Not(HasSubstr("On which machines"))) << "there are none yet";
    one.machines = {{"m_1", "lap<top", "w_1", "Acme"}};
    EXPECT_THAT(one.page().main, HasSubstr("name=\"machine:m_1\" value=\"on\"> lap&lt;top<"));
    EXPECT_EQ(chosen_machines(pages::parse_form("machines=all&machine%3Am_1=on").value()), std::nullopt);
    EXPECT_EQ(chosen_machines(pages::parse_form("x=y").value()), std::nullopt);
    EXPECT_EQ(chosen_machines(pages::parse_form("machines=chosen&machine%3Am_1=on").value()),
              std::vector<std::string>{"m_1"});
    EXPECT_EQ(chosen_machines(pages::parse_form("machines=chosen").value()), std::vector<std::string>{});
}

TEST(consent_pages, take_what_was_ticked) {
    const auto posted = pages::parse_form("request=ar_1&scope%3Asessions%3Aread=on&scope%3Aevents%3Aread=off").value();
    EXPECT_EQ(ticked_scopes(posted), std::vector<std::string>{"sessions:read"});
    std::string all;
    for (const auto& name : opened({"mcp:tools"})) all += "&scope:" + name + "=on";
    EXPECT_EQ(ticked_scopes(pages::parse_form("x=" + all).value()), std::vector<std::string>{"mcp:tools"});
}

}  // namespace
}  // namespace hub::oauth
