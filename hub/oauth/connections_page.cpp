#include "hub/oauth/connections_page.hpp"

#include <algorithm>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "hub/oauth/scopes.hpp"
#include "hub/people/sessions.hpp"

namespace hub::oauth {

using pages::escape;

namespace {

std::string day_of(std::int64_t unix_ms) {
    const std::time_t seconds = unix_ms / 1000;
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    return fmt::format("{:%Y-%m-%d}", utc);
}

std::string reach_of(const machine_set& machines) {
    if (!machines) return "all machines";
    return fmt::format("{} machine{}", machines->size(), machines->size() == 1 ? "" : "s");
}

// "read", "read and act", …
std::string may(const std::vector<std::string>& scopes) {
    const auto names = opened(scopes);
    std::string list;
    for (const auto& [kind, word] : {std::pair(danger::reads, "read"), std::pair(danger::acts, "act"),
                                     std::pair(danger::administers, "administer")}) {
        const bool any = std::ranges::any_of(scope_texts(), [&, k = kind](const auto& t) {
            return t.kind == k && std::ranges::find(names, t.name) != names.end();
        });
        if (any) list += (list.empty() ? "" : ", ") + std::string(word);
    }
    return list;
}

}  // namespace

pages::page connections_page(const std::vector<grant>& grants, std::string_view form_token, std::string_view done) {
    pages::page page;
    page.title = "Connected applications";
    if (!done.empty()) page.main += fmt::format("<p class=\"done\" role=\"status\">{}</p>", escape(done));
    if (grants.empty()) page.main += "<p>No application has access by your word.</p>";
    for (const auto& one : grants)
        page.main += fmt::format(
            "<h2>{name}</h2><dl><dt>Workspace</dt><dd>{workspace}, {machines}</dd><dt>It may</dt><dd>{may} <code class=\"note\">{scopes}</code></dd>"
            "<dt>Its answers go to</dt><dd>{host}</dd><dt>Allowed, last renewed</dt><dd>{created}, {used}</dd></dl>"
            "<form method=\"post\" action=\"/connections\"><input type=\"hidden\" name=\"grant\" value=\"{id}\">{token}"
            "<button class=\"plain\" aria-label=\"Withdraw access of {name}\">Withdraw access</button></form>",
            fmt::arg("name", escape(one.client_name)),
            fmt::arg("workspace", one.all_workspaces ? "all that you are a member of" : escape(one.workspace_name)),
            fmt::arg("machines", reach_of(one.machines)), fmt::arg("may", may(one.scopes)),
            fmt::arg("scopes", escape(join_scopes(one.scopes))), fmt::arg("host", escape(one.redirect_host)),
            fmt::arg("created", day_of(one.created_at)), fmt::arg("used", day_of(one.used_at)),
            fmt::arg("id", escape(one.id)), fmt::arg("token", people::form_token_field(form_token)));
    page.main += "<p><a href=\"/account\">Your account</a></p>";
    return page;
}

}  // namespace hub::oauth
