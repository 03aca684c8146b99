#ifndef MILLRACE_CCURL_H
#define MILLRACE_CCURL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

// curl_easy_setopt and curl_easy_getinfo are variadic, which Swift cannot call.

typedef size_t (*millrace_curl_sink)(char *bytes, size_t size, size_t count, void *context);

CURLcode millrace_curl_set_number(CURL *handle, CURLoption option, long value);
CURLcode millrace_curl_set_text(CURL *handle, CURLoption option, const char *value);
CURLcode millrace_curl_set_headers(CURL *handle, struct curl_slist *headers);

/// The bytes are not copied and must stay where they are until the transfer is over.
CURLcode millrace_curl_set_body(CURL *handle, const void *bytes, size_t count);

/// Header lines and body bytes each go to a sink of their own with the same context.
CURLcode millrace_curl_set_sinks(
    CURL *handle, millrace_curl_sink header, millrace_curl_sink body, void *context);

CURLMcode millrace_curl_multi_set_number(CURLM *multi, CURLMoption option, long value);
/// The next transfer that has ended, and how; NULL when there is none.
CURL *millrace_curl_multi_next_done(CURLM *multi, CURLcode *result);

long millrace_curl_status(CURL *handle);
/// Whether the transfer failed because nobody listens at the address.
bool millrace_curl_was_refused(CURL *handle);

#endif
