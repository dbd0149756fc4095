// SPDX-License-Identifier: MIT
#include "sigv4.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "digest.hpp"
#include "rococo/base/text.hpp"

namespace rococo::messaging::sqs {
namespace {

/// Trimmed, and runs of spaces folded into one, quoted text included: the suite's
/// `get-header-value-trim` wants it so.
std::string fold_spaces(std::string_view value) {
    std::string folded;
    for (const char c : value) {
        const bool space = c == ' ' || c == '\t';
        if (!space) {
            folded += c;
        } else if (!folded.empty() && folded.back() != ' ') {
            folded += ' ';
        }
    }
    if (!folded.empty() && folded.back() == ' ') folded.pop_back();
    return folded;
}

using SortedHeaders = std::map<std::string, std::string>;

SortedHeaders sort_headers(const SignableRequest& request) {
    SortedHeaders sorted;
    for (const auto& [name, value] : request.headers) {
        const auto [place, added] = sorted.try_emplace(to_lower(name), fold_spaces(value));
        if (!added) place->second += "," + fold_spaces(value);
    }
    return sorted;
}

std::string signed_names(const SortedHeaders& headers) {
    std::string names;
    for (const auto& [name, value] : headers) {
        if (!names.empty()) names += ';';
        names += name;
    }
    return names;
}

std::string sort_query(std::string_view query) {
    std::vector<std::string> pairs;
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        std::string pair(query.substr(0, end));
        if (pair.find('=') == std::string::npos) pair += '=';
        pairs.push_back(std::move(pair));
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    std::sort(pairs.begin(), pairs.end());
    return fmt::format("{}", fmt::join(pairs, "&"));
}

std::string canonical(const SignableRequest& request, const SortedHeaders& headers) {
    std::string lines;
    for (const auto& [name, value] : headers) lines += fmt::format("{}:{}\n", name, value);
    return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method,
                       request.path.empty() ? "/" : request.path, sort_query(request.query), lines,
                       signed_names(headers), sha256_hex(request.body));
}

std::string_view view(const Sha256& bytes) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::string amz_date(SystemTime at) {
    return fmt::format("{:%Y%m%dT%H%M%SZ}",
                       fmt::gmtime(std::chrono::time_point_cast<std::chrono::seconds>(at)));
}

std::string canonical_request(const SignableRequest& request) {
    return canonical(request, sort_headers(request));
}

std::string authorization(const SignableRequest& request, const SigningScope& scope,
                          const Credentials& credentials) {
    const auto headers = sort_headers(request);
    const auto time = amz_date(scope.at);
    const auto day = time.substr(0, 8);
    const auto credential_scope =
        fmt::format("{}/{}/{}/aws4_request", day, scope.region, scope.service);
    const auto string_to_sign = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", time, credential_scope,
                                            sha256_hex(canonical(request, headers)));

    const auto day_key = hmac_sha256("AWS4" + credentials.secret_access_key, day);
    const auto region_key = hmac_sha256(view(day_key), scope.region);
    const auto service_key = hmac_sha256(view(region_key), scope.service);
    const auto signing_key = hmac_sha256(view(service_key), "aws4_request");
    const auto signature = hmac_sha256(view(signing_key), string_to_sign);
    return fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                       credentials.access_key_id, credential_scope, signed_names(headers),
                       to_hex(signature.data(), signature.size()));
}

}  // namespace rococo::messaging::sqs
