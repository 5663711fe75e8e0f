/* A recipe: settings as text. */
#include "fuzz.h"
#include "recipe_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const bool given[OPTIONS_MAX];
    train_settings settings = {0};
    recipe_memory memory = {0};
    recipe_apply(fuzz_file("recipe.txt", bytes, size), given, &settings, &memory);
    recipe_memory_free(&memory);
    return 0;
}
