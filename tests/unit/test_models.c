/* The nets that come with tinycnn: sizes, names, which pictures they take. */
#include <string.h>

#include "models.h"
#include "suite.h"

static tc_model *model_of(tc_module *root) {
    tc_model *model;
    ck_assert_msg(tc_model_create(root, 7, &model) == TC_OK, "%s", tc_last_error());
    return model;
}

START_TEST(the_table_knows_its_nets) {
    int count = 0;
    for (const tc_model_entry *entry = tc_models; entry->name; entry++, count++) {
        ck_assert_ptr_eq(tc_model_entry_find(entry->name), entry);
        ck_assert_ptr_nonnull(entry->about);
    }
    ck_assert_int_eq(count, 5);
    ck_assert_ptr_null(tc_model_entry_find("lesson2"));
    ck_assert_str_eq(tc_last_error(),
                     "there is no model 'lesson2'; known are lesson, lenet5, vgg, resnet20, airbench94");
}
END_TEST

/* Elements as torch counts them in the same nets. */
static const struct {
    const char *name;
    int channels, height, width, classes, least;
    int64_t elements;
    int parameters, buffers;
} sizes[] = {
    {"lesson", 3, 32, 32, 10, 4, 545098, 8, 0},         {"lesson", 1, 21, 37, 7, 4, 388487, 8, 0},
    {"lenet5", 1, 32, 32, 10, 16, 61706, 10, 0},        {"lenet5", 3, 32, 32, 10, 16, 62006, 10, 0},
    {"vgg", 3, 32, 32, 10, 8, 814570, 22, 12},          {"vgg", 1, 8, 17, 3, 8, 353443, 22, 12},
    {"resnet20", 3, 32, 32, 10, 1, 272474, 65, 42},     {"resnet20", 4, 1, 5, 2, 1, 272098, 65, 42},
    {"airbench94", 3, 32, 32, 10, 25, 1972792, 21, 12}, {"airbench94", 1, 25, 49, 3, 25, 1962280, 21, 12},
};

START_TEST(sizes_are_right_and_forward_works) {
    const tc_model_entry *entry = tc_model_entry_find(sizes[_i].name);
    int channels = sizes[_i].channels, height = sizes[_i].height, width = sizes[_i].width;
    tc_model *model = model_of(tc_model_build(entry, tc_net_of(channels, height, width, sizes[_i].classes)));
    ck_assert_int_eq(tc_model_parameter_elements(model), sizes[_i].elements);
    ck_assert_int_eq(tc_model_parameter_count(model), sizes[_i].parameters);
    ck_assert_int_eq(tc_model_buffer_count(model), sizes[_i].buffers);
    tc_tape *tape = tc_tape_create(NULL);
    tc_tensor *x = tc_tensor_new(tc_tape_arena(tape), 3, channels, height, width);
    tc_rng rng = tc_rng_create(1, 1);
    for (int64_t i = 0; i < tc_numel(x); i++) x->data[i] = tc_rng_normal(&rng);
    tc_tensor *y = tc_model_forward(model, tape, x);
    ck_assert_msg(y, "%s", tc_tape_error(tape));
    ck_assert_int_eq(y->ndim, 2);
    ck_assert_int_eq(y->shape[0], 3);
    ck_assert_int_eq(y->shape[1], sizes[_i].classes);
    tc_tape_free(tape);
    tc_model_free(model);
}
END_TEST

START_TEST(the_smallest_picture_works_and_a_smaller_one_is_refused) {
    const tc_model_entry *entry = tc_model_entry_find(sizes[_i].name);
    int least = sizes[_i].least;
    tc_model *model = model_of(tc_model_build(entry, tc_net_of(3, least, least, 10)));
    tc_tape *tape = tc_tape_create(NULL);
    tc_tensor *x = tc_tensor_new(tc_tape_arena(tape), 2, 3, least, least);
    ck_assert_ptr_nonnull(tc_model_forward(model, tape, x));
    tc_tape_free(tape);
    tc_model_free(model);
    const int bad[][4] = {{3, least - 1, 32, 10}, {3, 32, least - 1, 10}, {3, 32, 100000, 10}};
    for (int i = 0; i < 3; i++) {
        ck_assert_ptr_null(tc_model_build(entry, tc_net_of(bad[i][0], bad[i][1], bad[i][2], bad[i][3])));
        ck_assert_ptr_nonnull(strstr(tc_last_error(), entry->name));
        ck_assert_ptr_nonnull(strstr(tc_last_error(), "takes pictures from"));
    }
    ck_assert_ptr_null(tc_model_build(entry, tc_net_of(0, 32, 32, 10)));
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "in_channels is 0"));
    ck_assert_ptr_null(tc_model_build(entry, tc_net_of(3, 32, 32, 0)));
    ck_assert_ptr_nonnull(strstr(tc_last_error(), "out_features is 0"));
}
END_TEST

START_TEST(what_a_net_can_not_be_is_refused) {
    const struct {
        const char *name, *why;
        tc_net net;
    } bad[] = {
        {"lesson", "width 4 is 9; it has 3", {3, 32, 32, 10, .widths = {0, 0, 0, 9}}},
        {"lesson", "width 1 is -1", {3, 32, 32, 10, .widths = {-1}}},
        {"lesson",
         "width 2 is 65536, too much for pictures of 4096 x 4096",
         {3, 4096, 4096, 10, .widths = {0, 65536}}},
        {"vgg", "width 3 is 65535, too much", {3, 4096, 4096, 10, .widths = {1, 1, 65535, 1}}},
        {"lenet5", "has no batch norm", {3, 32, 32, 10, .bn_eps = 0.1f}},
        {"vgg", "does not scale its logits", {3, 32, 32, 10, .logit_scale = 2}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_ptr_null(tc_model_build(tc_model_entry_find(bad[i].name), &bad[i].net));
        ck_assert_msg(strstr(tc_last_error(), bad[i].why), "%s", tc_last_error());
    }
}
END_TEST

START_TEST(resnet20_has_the_names_of_torchvision) {
    tc_model *model = model_of(tc_model_build(tc_model_entry_find("resnet20"), tc_net_of(3, 32, 32, 10)));
    const char *names[] = {"conv1.weight",
                           "bn1.running_mean",
                           "layer1.0.conv1.weight",
                           "layer1.2.bn2.bias",
                           "layer2.0.conv1.weight",
                           "layer2.0.bn1.weight",
                           "layer2.0.conv2.weight",
                           "layer2.0.downsample.0.weight",
                           "layer2.0.downsample.1.running_var",
                           "layer3.0.downsample.1.bias",
                           "layer3.2.conv2.weight",
                           "fc.weight",
                           "fc.bias"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_msg(tc_model_find(model, names[i]), "%s", names[i]);
    ck_assert_ptr_null(tc_model_find(model, "layer1.0.downsample.0.weight"));
    ck_assert_ptr_null(tc_model_find(model, "conv1.bias"));
    tc_tensor *shortcut = tc_model_find(model, "layer2.0.downsample.0.weight")->tensor;
    ck_assert_mem_eq(shortcut->shape, ((const int64_t[]){32, 16, 1, 1}), 4 * sizeof(int64_t));
    tc_model_free(model);
}
END_TEST

START_TEST(vgg_has_the_names_of_a_flat_sequential) {
    tc_model *model = model_of(tc_model_build(tc_model_entry_find("vgg"), tc_net_of(3, 32, 32, 10)));
    const char *names[] = {"0.weight",  "1.running_var", "3.weight",  "7.weight",
                           "17.weight", "18.bias",       "22.weight", "24.bias"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_msg(tc_model_find(model, names[i]), "%s", names[i]);
    ck_assert_ptr_null(tc_model_find(model, "0.bias"));
    tc_model_free(model);
}
END_TEST

static void add(TCase *tests) {
    int count = sizeof sizes / sizeof *sizes;
    tcase_add_test(tests, the_table_knows_its_nets);
    tcase_add_loop_test(tests, sizes_are_right_and_forward_works, 0, count);
    tcase_add_loop_test(tests, the_smallest_picture_works_and_a_smaller_one_is_refused, 0, count);
    tcase_add_test(tests, what_a_net_can_not_be_is_refused);
    tcase_add_test(tests, resnet20_has_the_names_of_torchvision);
    tcase_add_test(tests, vgg_has_the_names_of_a_flat_sequential);
}

int main(void) {
    return suite_main("models", add);
}
