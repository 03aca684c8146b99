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

/// Asked again and again during a transfer, at least once a second; any answer but 0 ends it.
typedef int (*millrace_curl_watch)(
    void *context, curl_off_t total_in, curl_off_t in, curl_off_t total_out, curl_off_t out);
CURLcode millrace_curl_set_watch(CURL *handle, millrace_curl_watch watch, void *context);

long millrace_curl_status(CURL *handle);
/// Whether the transfer failed because nobody listens at the address.
bool millrace_curl_was_refused(CURL *handle);

#endif
