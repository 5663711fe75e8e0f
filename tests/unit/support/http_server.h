/* http_server.h - a web server on this machine that answers well or badly, as the path asks.
 *
 *     /good       the content; parts of it on request
 *     /plain      the same, but no parts
 *     /refusing   the same, and 416 to who asks for parts
 *     /slow       in pieces, with rests between them
 *     /cut        half of what is asked for, then the connection ends
 *     /stall      1000 bytes, then silence
 *     /wrong      other bytes, as many
 *     /short      fewer bytes, all that it promises
 *     /long       more bytes
 *     /moved      sends to /good
 *     /loop       sends to itself
 *     /file       sends to file:///etc/hostname
 *     /busy       503 the first two times, then the content
 *     /noise      no HTTP at all
 *     /breaks     no parts, and the connection ends after 40000 bytes
 *     /unsaid     parts, the whole without its length (HTTP/1.0), but only half of what is asked for
 *     /chunked    no parts, the whole in chunks, all of it
 *     /never      the same, but no end after 90000 bytes
 *     /portal     a page of 2000 bytes
 *     /portal-chunked, /portal-closed
 *                 a page of 90000 bytes without its length, in chunks or until the connection ends
 *     /endless    the same without an end
 *     /unmoved    301 without a place, and a page
 *     /packed     the page as Content-Encoding: gzip, in chunks
 *     /other      a part of a file of another length
 *     /elsewhere  another part than what is asked for
 *     /nameless   a part, but not which
 * and 404 for all else. */
#ifndef TESTS_HTTP_SERVER_H
#define TESTS_HTTP_SERVER_H

#include <stdint.h>

enum { HTTP_CONTENT = 100000 };

/* Starts a thread; returns the port on 127.0.0.1. */
int http_server_start(void);
void http_server_stop(void);
/* Since the last call of this function. */
int http_server_requests(void);

/* Byte i of the content. */
static inline uint8_t http_content(int i) {
    return (uint8_t)(i * 7 + i / 251);
}

#endif
