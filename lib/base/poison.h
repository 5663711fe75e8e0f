/* poison.h - tells AddressSanitizer which bytes of an arena nobody owns; nothing in other builds. */
#ifndef TCI_POISON_H
#define TCI_POISON_H

#if defined(__SANITIZE_ADDRESS__)
#define TCI_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TCI_ASAN 1
#endif
#endif

#ifdef TCI_ASAN
#include <sanitizer/asan_interface.h>
#define TCI_POISON(address, size)   __asan_poison_memory_region((address), (size))
#define TCI_UNPOISON(address, size) __asan_unpoison_memory_region((address), (size))
#else
#define TCI_POISON(address, size)   ((void)(address), (void)(size))
#define TCI_UNPOISON(address, size) ((void)(address), (void)(size))
#endif

#endif
