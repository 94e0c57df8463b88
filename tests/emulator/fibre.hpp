// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define EMULATOR_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EMULATOR_ADDRESS_SANITIZER
#endif
#endif
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace emulator {

/// A function with a stack of its own, which leaves in the middle and goes on when it is entered again. Sanitizers are
/// told of every switch; to ThreadSanitizer each fibre is a thread, and a switch orders nothing.
class Fibre {
public:
    explicit Fibre(void (*body)());
    Fibre(const Fibre&) = delete;
    Fibre& operator=(const Fibre&) = delete;
    ~Fibre();

    //! Runs until the fibre leaves, or its body returns: then the next call begins the body anew
    void enter();
    //! From inside the running fibre, back to whoever entered it
    static void leave();
    static bool is_running();
    //! Whether an address is just below the stack of the running fibre
    static bool is_below_stack(const void* address);
    //! Forgets where the fibre left: the next call of enter() begins the body anew. Nothing on its stack is destroyed.
    void restart();

private:
    static void run();
    void end();
    void switch_back();

    void (*body_)();
    std::byte* stack_; // after pages that nothing may touch
#if defined(__x86_64__)
    void* here_ = nullptr;
    void* outside_ = nullptr;
#else
    ucontext_t here_, outside_;
#endif
    void* sanitizer_fibre_ = nullptr;
    void* sanitizer_outside_ = nullptr;
    void* fake_stack_ = nullptr;
    void* outside_fake_stack_ = nullptr;
    const void* outside_bottom_ = nullptr;
    std::size_t outside_size_ = 0;
};

} // namespace emulator
