// SPDX-License-Identifier: MIT
#include "amqp_tls.hpp"

#include <amqp_ssl_socket.h>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>

#include "rococo/base/try.hpp"

namespace rococo::messaging {
namespace {

/// Keeps OpenSSL's own reason: rabbitmq-c reports every refusal alike.
int note_verification(int accepted, X509_STORE_CTX* store) {
    if (accepted == 1) return accepted;
    const auto* ssl = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* reason = static_cast<int*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    if (reason != nullptr) *reason = X509_STORE_CTX_get_error(store);
    return accepted;
}

bool is_ip_address(const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> binary{};
    return inet_pton(AF_INET, host.c_str(), binary.data()) == 1 ||
           inet_pton(AF_INET6, host.c_str(), binary.data()) == 1;
}

tl::unexpected<AmqpFailure> unusable(std::string_view variable, const std::string& file,
                                     std::string_view expected) {
    const auto* why = ::access(file.c_str(), R_OK) == 0 ? "holds none" : "cannot be read";
    return amqp_failure(ErrorKind::configuration, fmt::format("{}: '{}' {}; expected {} in PEM",
                                                              variable, file, why, expected));
}

AmqpResult<void> load_files(amqp_socket_t* socket, SSL_CTX* context, const RabbitMqTls& tls) {
    if (!tls.ca_file.empty()) {
        if (amqp_ssl_socket_set_cacert(socket, tls.ca_file.c_str()) != AMQP_STATUS_OK)
            return unusable("RABBITMQ_TLS_CA_FILE", tls.ca_file, "certificates of authorities");
    } else {
        SSL_CTX_set_default_verify_paths(context);
    }
    if (tls.cert_file.empty() != tls.key_file.empty()) {
        return amqp_failure(ErrorKind::configuration,
                            "RABBITMQ_TLS_CERT_FILE and RABBITMQ_TLS_KEY_FILE belong together; "
                            "only one of them is set");
    }
    if (!tls.cert_file.empty() && amqp_ssl_socket_set_key(socket, tls.cert_file.c_str(),
                                                          tls.key_file.c_str()) != AMQP_STATUS_OK) {
        if (::access(tls.cert_file.c_str(), R_OK) != 0)
            return unusable("RABBITMQ_TLS_CERT_FILE", tls.cert_file, "the client's certificate");
        return unusable("RABBITMQ_TLS_KEY_FILE", tls.key_file,
                        "the private key that belongs to RABBITMQ_TLS_CERT_FILE");
    }
    return {};
}

/// OpenSSL compares the name itself, addresses in the certificate included, which rabbitmq-c
/// cannot.
void verify_peer(amqp_socket_t* socket, SSL_CTX* context, const std::string& host, bool insecure) {
    amqp_ssl_socket_set_verify_hostname(socket, 0);
    amqp_ssl_socket_set_verify_peer(socket, insecure ? 0 : 1);
    if (insecure) return;
    X509_VERIFY_PARAM* wanted = SSL_CTX_get0_param(context);
    if (is_ip_address(host)) {
        X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str());
    } else {
        X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size());
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, note_verification);
}

tl::unexpected<AmqpFailure> tls_failure(const RabbitMqAddress& address, int status, int reason) {
    const auto where = fmt::format("{}:{}", address.host, address.port);
    if (reason == X509_V_ERR_HOSTNAME_MISMATCH || reason == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        return amqp_failure(ErrorKind::configuration,
                            fmt::format("The certificate of {} is not made out to that name: set "
                                        "RABBITMQ_HOST to a name that it contains",
                                        where));
    }
    if (reason == X509_V_ERR_CERT_HAS_EXPIRED || reason == X509_V_ERR_CERT_NOT_YET_VALID) {
        return amqp_failure(ErrorKind::configuration,
                            fmt::format("The certificate of {} is not valid now ({}): renew it on "
                                        "the broker, or fix this machine's clock",
                                        where, X509_verify_cert_error_string(reason)));
    }
    if (reason != X509_V_OK) {
        return amqp_failure(ErrorKind::configuration,
                            fmt::format("The certificate of {} is not trusted ({}): set "
                                        "RABBITMQ_TLS_CA_FILE to the authority that signed it",
                                        where, X509_verify_cert_error_string(reason)));
    }
    const auto code = ERR_peek_last_error();
    const char* detail = code != 0 ? ERR_reason_error_string(code) : nullptr;
    return amqp_failure(
        ErrorKind::unavailable,
        fmt::format("Cannot connect to RabbitMQ at {} with TLS: {}{}{}{}", where,
                    status_text(status), detail != nullptr ? " (" : "",
                    detail != nullptr ? detail : "",
                    detail != nullptr ? "); is RABBITMQ_PORT the broker's TLS port, and does it "
                                        "want RABBITMQ_TLS_CERT_FILE?"
                                      : ""));
}

}  // namespace

AmqpResult<void> open_tls(amqp_connection_state_t state, const RabbitMqSettings& settings,
                          const RabbitMqAddress& address) {
    amqp_socket_t* socket = amqp_ssl_socket_new(state);
    if (socket == nullptr)
        return amqp_failure(ErrorKind::internal, "Cannot set up TLS: out of memory");
    auto* context = static_cast<SSL_CTX*>(amqp_ssl_socket_get_context(socket));
    amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
    ROCOCO_TRY(load_files(socket, context, settings.tls));

    int reason = X509_V_OK;
    SSL_CTX_set_app_data(context, &reason);
    verify_peer(socket, context, address.host, settings.tls.insecure);
    ERR_clear_error();
    const timeval timeout{.tv_sec = settings.connect_timeout.count() / 1000,
                          .tv_usec = settings.connect_timeout.count() % 1000 * 1000};
    const int status =
        amqp_socket_open_noblock(socket, address.host.c_str(), address.port, &timeout);
    SSL_CTX_set_app_data(context, nullptr);
    if (status != AMQP_STATUS_OK) return tls_failure(address, status, reason);
    return {};
}

}  // namespace rococo::messaging
