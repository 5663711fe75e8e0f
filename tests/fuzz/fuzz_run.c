/* A run's metrics.jsonl, or (first byte odd) its config.json. */
#include "fuzz.h"
#include "run_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const char config[] = "{\"model\": \"lesson\", \"data\": \"shapes\", \"epochs\": 3}";
    run_log log = {0};
    char text[96], setting[64];
    if (size < 1) return 0;
    bool is_config = bytes[0] % 2;
    fuzz_file("config.json", is_config ? bytes + 1 : (const uint8_t *)config,
              is_config ? size - 1 : sizeof config - 1);
    fuzz_file("metrics.jsonl", is_config ? (const uint8_t *)"" : bytes + 1, is_config ? 0 : size - 1);
    if (run_log_open(fuzz_folder(), &log) == TC_OK) {
        run_log_standing(&log, text);
        run_log_setting(&log, "model", setting, sizeof setting);
    }
    run_log_free(&log);
    return 0;
}
