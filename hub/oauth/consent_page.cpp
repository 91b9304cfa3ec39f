#include "hub/oauth/consent_page.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "hub/oauth/redirect_uri.hpp"
#include "hub/oauth/scopes.hpp"
#include "hub/people/sessions.hpp"

namespace hub::oauth {

using pages::escape;

namespace {

constexpr std::string_view scope_field = "scope:";
constexpr std::string_view machine_field = "machine:";
constexpr std::string_view every_workspace = "*";

// Who vouches for the name.
std::string origin_of(const client& from) {
    if (from.kind == client_kind::document) {
        const auto host = std::string_view(from.id).substr(std::string_view("https://").size());
        return fmt::format("It is published at <strong>{}</strong>.", escape(host.substr(0, host.find_first_of("/:"))));
    }
    if (from.kind == client_kind::known)
        return "It uses the id that this hub keeps for applications without one of their own.";
    return "It gave itself this name: <strong>nobody has checked it</strong>.";
}

std::string warning(const authorization_request& request) {
    if (!is_loopback_redirect(request.redirect_uri)) return {};
    return "<p class=\"warning\">Any program on your computer can ask like this. Continue only if you have just started to "
           "connect it yourself.</p>";
}

std::string_view legend_of(danger kind) {
    switch (kind) {
        case danger::reads:
            return "Read";
        case danger::acts:
            return "Act: this runs programs on the machines";
        case danger::administers:
            return "Administer";
    }
    return "";
}

// A box for each scope; what administers is ticked by the person alone.
std::string scope_boxes(const std::vector<std::string>& asked) {
    std::string html;
    const auto names = opened(asked);
    for (const auto kind : {danger::reads, danger::acts, danger::administers}) {
        std::string boxes;
        for (const auto& text : scope_texts()) {
            if (text.kind != kind || std::ranges::find(names, text.name) == names.end()) continue;
            boxes += fmt::format(
                "<label class=\"choice\"><input type=\"checkbox\" name=\"{0}{1}\" value=\"on\"{2}> {3} <code class=\"note\">{1}</code></label>",
                scope_field, escape(text.name), kind == danger::administers ? "" : " checked", escape(text.meaning));
        }
        if (!boxes.empty()) html += fmt::format("<fieldset><legend>{}</legend>{}</fieldset>", legend_of(kind), boxes);
    }
    return html;
}

std::string machine_boxes(const std::vector<machine_choice>& machines, bool say_workspace) {
    if (machines.empty()) return {};
    std::string html =
        "<fieldset><legend>On which machines</legend>"
        "<label class=\"choice\"><input type=\"radio\" name=\"machines\" value=\"all\" checked> All that are there, also those that are added later</label>"
        "<label class=\"choice\"><input type=\"radio\" name=\"machines\" value=\"chosen\"> Only these:</label>";
    for (const auto& one : machines)
        html += fmt::format("<label class=\"choice\"><input type=\"checkbox\" name=\"{}{}\" value=\"on\"> {}{}</label>",
                            machine_field, escape(one.id), escape(one.name),
                            say_workspace ? " (" + escape(one.workspace_name) + ")" : "");
    return html + "</fieldset>";
}

// What a scope means at another resource is not for the hub to say.
std::string scopes_elsewhere(const std::vector<std::string>& asked) {
    std::string html = fmt::format("<p>It asks for <code>{}</code> there.</p>", escape(join_scopes(asked)));
    for (const auto& name : opened(asked))
        html += fmt::format("<input type=\"hidden\" name=\"{}{}\" value=\"on\">", scope_field, escape(name));
    return html;
}

std::string wish_of(const std::optional<resource_server>& resource) {
    if (!resource) return "wants to use your machines through this hub";
    return fmt::format("wants to act for you at <strong>{}</strong> ({})", escape(resource->name),
                       escape(resource->url));
}

std::string workspace_choice(const std::vector<membership>& memberships, bool may_be_all) {
    if (memberships.size() == 1)
        return fmt::format(
            "<input type=\"hidden\" name=\"workspace\" value=\"{}\"><p>In the workspace <strong>{}</strong>.</p>",
            escape(memberships.front().workspace_id), escape(memberships.front().workspace_name));
    std::string html = "<fieldset><legend>In which workspace</legend>";
    bool first = true;
    for (const auto& one : memberships) {
        html += fmt::format(
            "<label class=\"choice\"><input type=\"radio\" name=\"workspace\" value=\"{}\" required{}> {}</label>",
            escape(one.workspace_id), first ? " checked" : "", escape(one.workspace_name));
        first = false;
    }
    if (may_be_all)
        html += fmt::format(
            "<label class=\"choice\"><input type=\"radio\" name=\"workspace\" value=\"{}\" required> All of them, also those that "
            "I join later</label>",
            every_workspace);
    return html + "</fieldset>";
}

}  // namespace

pages::page consent_page(const consent& what) {
    pages::page page;
    page.title = "Allow access?";
    page.form_targets = {form_target_of(what.request.redirect_uri)};
    page.main = fmt::format(
        "<p><strong>{name}</strong> {wish}. {origin}</p>"
        "<p>Your answer goes to <strong>{destination}</strong>. You are signed in as <strong>{person}</strong>.</p>{warning}"
        "<form method=\"post\" action=\"/consent\">"
        "<input type=\"hidden\" name=\"request\" value=\"{id}\">{token}"
        "{workspace}{machines}{scopes}"
        "<p>It keeps this access until you withdraw it, or does not use it for 30 days, and for 180 days at most.</p>"
        "<div class=\"row\"><button type=\"submit\" name=\"decision\" value=\"allow\">Allow</button> "
        "<button type=\"submit\" name=\"decision\" value=\"refuse\" class=\"plain\" formnovalidate>Refuse</button></div></form>",
        fmt::arg("name", escape(what.from.name)), fmt::arg("wish", wish_of(what.resource)),
        fmt::arg("origin", origin_of(what.from)),
        fmt::arg("destination", escape(destination_of(what.request.redirect_uri))),
        fmt::arg("person", escape(what.person)), fmt::arg("warning", warning(what.request)),
        fmt::arg("id", escape(what.request.id)), fmt::arg("token", people::form_token_field(what.form_token)),
        fmt::arg("workspace", workspace_choice(what.memberships, !what.resource)),
        fmt::arg("machines", what.resource ? std::string() : machine_boxes(what.machines, what.memberships.size() > 1)),
        fmt::arg("scopes", what.resource ? scopes_elsewhere(what.request.scopes) : scope_boxes(what.request.scopes)));
    return page;
}

std::optional<std::string> chosen_workspace(const pages::form& posted) {
    const auto id = posted.get("workspace");
    if (id.empty()) return std::nullopt;
    return id == every_workspace ? std::string() : std::string(id);
}

machine_set chosen_machines(const pages::form& posted) {
    if (posted.get("machines") != "chosen") return std::nullopt;
    std::vector<std::string> ids;
    for (const auto& [name, value] : posted.all())
        if (name.starts_with(machine_field) && value == "on") ids.push_back(name.substr(machine_field.size()));
    return ids;
}

std::vector<std::string> ticked_scopes(const pages::form& posted) {
    std::vector<std::string> scopes;
    for (const auto& [name, value] : posted.all())
        if (name.starts_with(scope_field) && value == "on") scopes.push_back(name.substr(scope_field.size()));
    return closed(std::move(scopes));
}

}  // namespace hub::oauth
