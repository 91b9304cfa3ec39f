#include "hub/oauth/resource_registration.hpp"

#include <utility>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <nlohmann/json.hpp>

#include "common/auth/resource.hpp"
#include "hub/oauth/answers.hpp"
#include "hub/oauth/limits.hpp"
#include "hub/oauth/scopes.hpp"
#include "hub/tenancy/plain_text.hpp"

namespace hub::oauth {

using common::net::http_request;
using nlohmann::json;

namespace {

// RFC 8707 §2: absolute, no fragment; here also no query and no user.
bool is_resource_url(std::string_view text) {
    const auto url = boost::urls::parse_uri(text);
    return url && text.size() <= limits::redirect_uri_bytes_max &&
           (url->scheme_id() == boost::urls::scheme::https || url->scheme_id() == boost::urls::scheme::http) &&
           !url->host().empty() && !url->has_fragment() && !url->has_query() && !url->has_userinfo();
}

json shown(const resource_server& server, const std::string& origin) {
    return {{"server_id", server.id},
            {"name", server.name},
            {"resource_url", server.url},
            {"prm_url", origin + std::string(resource_servers_metadata_prefix) + server.id}};
}

}  // namespace

resource_registration::resource_registration(std::string origin, store& rows, common::async::blocking_pool& pool)
    : origin_(std::move(origin)), rows_(rows), pool_(pool) {}

resource_registration::answer resource_registration::servers(const http_request& request, const proto::principal& who) {
    if (!who.workspaces.empty())
        co_return error_answer(400, "invalid_request",
                               "Use a token or key for one workspace: a resource server belongs to one.");
    if (!who.has_scope("workspace:admin"))
        co_return error_answer(403, "insufficient_scope", "This needs the scope workspace:admin.");
    if (request.method == "POST") co_return co_await add(request, who);
    if (request.method != "GET") co_return wrong_method_answer("GET, POST");
    const auto all = co_await pool_.run([&] { return rows_.list_resources(who.workspace_id); });
    if (!all) co_return unavailable_answer();
    if (!*all) co_return database_answer(all->error());
    json list = json::array();
    for (const auto& one : **all) list.push_back(shown(one, origin_));
    co_return json_answer(200, {{"servers", std::move(list)}});
}

resource_registration::answer resource_registration::add(const http_request& request, const proto::principal& who) {
    const auto body =
        request.body.size() <= limits::registration_bytes_max ? json::parse(request.body, nullptr, false) : json();
    const auto text = [&body](const char* name) {
        const auto found = body.is_object() ? body.find(name) : body.end();
        return found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    const std::string name = text("name");
    const std::string url = text("resource_url");
    if (!tenancy::is_name(name, limits::client_name_bytes_max))
        co_return error_answer(400, "invalid_request", "name must be a name of at most 100 bytes.");
    if (!is_resource_url(url) || common::auth::audience_of(origin_, url) == common::auth::own_audience(origin_))
        co_return error_answer(400, "invalid_request",
                               "resource_url must be the http(s) URL of your MCP server, without query or fragment.");
    const std::string actor = "user:" + who.user_id + "/" + who.client_id;
    const auto made = co_await pool_.run([&] { return rows_.add_resource(who.workspace_id, actor, name, url); });
    if (!made) co_return unavailable_answer();
    if (!*made && made->error().code == tenancy::errc::already_exists)
        co_return error_answer(409, "already_exists", made->error().message);
    if (!*made) co_return database_answer(made->error());
    json told = shown((*made)->server, origin_);
    told["api_key"] = (*made)->secret;
    told["message"] =
        "Keep api_key: it is shown once. Ask about tokens at /introspect, with server_id and api_key as Basic credentials.";
    co_return json_answer(201, told);
}

resource_registration::answer resource_registration::metadata(const http_request& request) {
    if (request.method != "GET" && request.method != "HEAD") co_return wrong_method_answer("GET, HEAD");
    const std::string id = request.path.substr(resource_servers_metadata_prefix.size());
    const auto found = co_await pool_.run([&] { return rows_.find_resource(id); });
    if (!found) co_return unavailable_answer();
    if (!*found && found->error().code == tenancy::errc::not_found)
        co_return error_answer(404, "not_found", "There is no such resource server.");
    if (!*found) co_return database_answer(found->error());
    co_return public_answer({{"resource", (*found)->url},
                             {"resource_name", (*found)->name},
                             {"authorization_servers", {origin_}},
                             {"scopes_supported", {umbrella_scope}},
                             {"bearer_methods_supported", {"header"}}});
}

}  // namespace hub::oauth
