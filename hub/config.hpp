// What `codez-hub serve` is told. Plain values.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/auth/server_options.hpp"
#include "common/log/logger.hpp"
#include "common/net/client_address.hpp"
#include "common/net/fetch_guard.hpp"
#include "common/net/listen_address.hpp"
#include "hub/upstream/options.hpp"
#include "proto/limits.hpp"

namespace hub {

struct serve_config {
    std::filesystem::path data;  // the data directory
    std::string database;        // empty: SQLite in the data directory
    common::net::listen_address listen{"127.0.0.1", 4096};
    common::net::listen_address ops_listen{"127.0.0.1", 9464};
    std::string public_url;  // empty: http(s)://127.0.0.1:PORT
    std::filesystem::path tls_certificate;
    std::filesystem::path tls_key;
    std::filesystem::path port_file;  // written when ready: {"port":…,"ops_port":…}; for supervisors and tests
    std::vector<std::string> allowed_origins;
    std::vector<common::net::fetch_place> fetch_allowed;        // beside the public internet
    std::filesystem::path fetch_ca;                             // PEM, trusted besides the system's authorities
    common::auth::server_options auth_server;                   // another authorization server, whose tokens are taken
    std::vector<upstream::provider_options> sign_in_providers;  // with whose accounts people may sign in
    std::vector<common::net::address_range> trusted_proxies;    // whose X-Forwarded-For is believed
    int registrations_per_hour = 10;                            // of OAuth clients, from one address
    int audit_days = proto::limits::audit_days_default;         // the audit keeps entries so long
    common::log::level log_level = common::log::level::info;
    common::log::format log_format = common::log::format::human;
};

// The database's URL, for common::db::open.
std::string database_url(const std::filesystem::path& data, const std::string& database);

}  // namespace hub
