#include "agent/cli/direct_arguments.hpp"

#include <CLI/CLI.hpp>

#include "common/net/web_origin.hpp"

namespace agent::cli {

namespace {

constexpr const char* group = "Reached directly, without a hub";

bool is_loopback_url(std::string_view url) {
    url.remove_prefix(std::string_view("http://").size());
    for (const std::string_view host : {"127.0.0.1", "localhost", "[::1]"})
        if (url == host || url.starts_with(std::string(host) + ":")) return true;
    return false;
}

std::string checked_url(std::string url) {
    if (url.empty()) throw CLI::ValidationError("--listen", "needs --public-url: the URL that clients use");
    if (!common::net::is_web_origin(url))
        throw CLI::ValidationError("--public-url", "must be of the form https://box.example.com, without a path");
    if (url.ends_with('/')) url.pop_back();
    if (common::net::normal_origin(url).starts_with("http://") && !is_loopback_url(url))
        throw CLI::ValidationError("--public-url", "must be https: credentials would be read on the way");
    return url;
}

}  // namespace

void direct_arguments::add_to(CLI::App& agent) {
    command_ = &agent;
    const auto add = [&agent](const char* name, auto& value, const char* what) {
        agent.add_option(name, value, what)->group(group);
    };
    add("--listen", listen_,
        "ADDRESS:PORT for clients elsewhere, each with a credential: see `codez key`, --auth-server");
    add("--public-url", given_.public_url, "The URL that they use, e.g. https://box.example.com");
    add("--tls-cert", given_.tls_certificate, "PEM file: certificate chain. Read again on SIGHUP");
    add("--tls-key", given_.tls_key, "PEM file: its private key");
    add("--public-allow-origin", given_.allowed_origins, "Origin of web pages that may call there; repeatable");
    add("--trusted-proxy", trusted_proxies_,
        "ADDRESS or NETWORK/BITS of a reverse proxy whose X-Forwarded-For is believed; repeatable");
    add("--allow-fetch-from", fetch_allowed_,
        "HOST:PORT of an authorization server that is not at a public address; repeatable");
    add("--fetch-ca", given_.fetch_ca, "PEM file: authorities to trust besides the system's for that");
    auth_server_.add_to(agent, group);
    add("--auth-subject", given_.subjects, "The \"sub\" of a person whose tokens are taken; repeatable");
}

direct::endpoint_config direct_arguments::take(const char* authkit_url) const {
    if (listen_.empty()) {
        for (const auto* option :
             command_->get_options([](const CLI::Option* one) { return one->get_group() == group; }))
            if (option->count() > 0)
                throw CLI::ValidationError(option->get_name(), "is about --listen, which is missing");
        return {};
    }
    auto out = given_;
    const auto address = common::net::parse_listen_address(listen_);
    if (!address) throw CLI::ValidationError("--listen", "'" + listen_ + "' is not of the form 127.0.0.1:4098");
    out.listen = *address;
    out.public_url = checked_url(out.public_url);
    if (out.tls_certificate.empty() != out.tls_key.empty())
        throw CLI::ValidationError("--tls-cert", "needs --tls-key, and the other way round");
    for (const auto& origin : out.allowed_origins)
        if (!common::net::is_web_origin(origin))
            throw CLI::ValidationError("--public-allow-origin",
                                       "must be of the form https://app.example.com, without a path");
    for (const auto& text : trusted_proxies_) {
        const auto range = common::net::parse_address_range(text);
        if (!range) throw CLI::ValidationError("--trusted-proxy", "must be like 10.0.0.0/8 or 127.0.0.1");
        out.trusted_proxies.push_back(*range);
    }
    for (const auto& text : fetch_allowed_) {
        const auto place = common::net::parse_fetch_place(text);
        if (!place)
            throw CLI::ValidationError("--allow-fetch-from", "'" + text + "' is not of the form idp.example.com:443");
        out.fetch_allowed.push_back(*place);
    }
    out.auth_server = auth_server_.take(authkit_url);
    if (out.auth_server.issuer.empty() != out.subjects.empty())
        throw CLI::ValidationError("--auth-subject",
                                   "and --auth-server need each other: whose tokens of which server are taken");
    return out;
}

}  // namespace agent::cli
