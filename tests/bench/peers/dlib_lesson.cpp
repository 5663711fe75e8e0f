// dlib_lesson.cpp - dlib's side of compare: the lesson net's training, as train/cmd_bench.c measures tinycnn's.
// dlib_lesson BATCH SECONDS; OpenBLAS's variables say on how many threads. dlib's SGD knows momentum, but not Nesterov's.
#include <dlib/dnn.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <sys/resource.h>
#include <vector>

using namespace dlib;
using picture = std::array<matrix<float>, 3>;
using lesson = loss_multiclass_log<fc<
    10, relu<fc<128, max_pool<2, 2, 2, 2,
                              relu<con<64, 3, 3, 1, 1,
                                       max_pool<2, 2, 2, 2, relu<con<32, 3, 3, 1, 1, input<picture>>>>>>>>>>>;

static double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int main(int argc, char **argv) {
    const int windows = 7, batch = argc > 1 ? std::atoi(argv[1]) : 128;
    const double seconds = argc > 2 ? std::atof(argv[2]) : 5;
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::vector<picture> pictures(batch);
    std::vector<unsigned long> labels(batch);
    for (int i = 0; i < batch; i++) {
        for (auto &plane : pictures[i]) {
            plane.set_size(32, 32);
            for (auto &pixel : plane) pixel = normal(random);
        }
        labels[i] = random() % 10;
    }
    lesson net;
    std::vector<sgd> solvers(lesson::num_computational_layers, sgd(0, 0.9f));
    resizable_tensor x;
    net.to_tensor(pictures.begin(), pictures.end(), x);
    auto once = [&] {
        net.compute_parameter_gradients(x, labels.begin());
        net.update_parameters(solvers, 1e-4);
    };
    for (int i = 0; i < 2; i++) once();
    std::vector<double> rates;
    for (int w = 0; w < windows; w++) {
        double begin = now(), passed;
        int steps = 0;
        do {
            once();
            steps++;
            passed = now() - begin;
        } while (passed < seconds / windows);
        rates.push_back(steps * batch / passed);
    }
    std::sort(rates.begin(), rates.end());
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    std::printf("{\"train_img_per_s\": %.1f, \"train_spread\": %.3f, \"peak_rss_mb\": %.1f}\n",
                rates[windows / 2], (rates[windows - 1] - rates[0]) / rates[windows / 2],
                usage.ru_maxrss * 1024 / 1e6);
}
