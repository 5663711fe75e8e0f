/* Mean, deviation and confidence interval of a few figures, by hand and by the table of Student's t. */
#include "statistics.h"

#include <math.h>

#include "suite.h"

static void is_near(double value, double expected, double tolerance) {
    ck_assert_msg(fabs(value - expected) <= tolerance, "%.9g, expected %.9g", value, expected);
}

START_TEST(one_figure_says_nothing_about_others) {
    statistics s = statistics_of((const double[]){0.25}, 1);
    ck_assert_int_eq(s.count, 1);
    ck_assert(s.mean == 0.25);
    ck_assert(isnan(s.deviation));
    ck_assert(isnan(s.half));
}
END_TEST

START_TEST(two_figures) {
    statistics s = statistics_of((const double[]){0.94, 0.92}, 2);
    ck_assert_int_eq(s.count, 2);
    is_near(s.mean, 0.93, 1e-15);
    is_near(s.deviation, 0.01 * sqrt(2), 1e-15);
    is_near(s.half, 12.7062 * 0.01, 1e-6);
}
END_TEST

START_TEST(three_figures) {
    statistics s = statistics_of((const double[]){1, 2, 6}, 3);
    is_near(s.mean, 3, 1e-15);
    is_near(s.deviation, sqrt((4 + 1 + 9) / 2.0), 1e-15);
    is_near(s.half, 4.302653 * sqrt(7 / 3.0), 1e-3);
}
END_TEST

START_TEST(five_figures) {
    statistics s = statistics_of((const double[]){0.9401, 0.9388, 0.9412, 0.9395, 0.9404}, 5);
    is_near(s.mean, 0.94, 1e-15);
    is_near(s.deviation, sqrt((1e-8 + 144e-8 + 144e-8 + 25e-8 + 16e-8) / 4), 1e-15);
    is_near(s.half, 2.776445 * s.deviation / sqrt(5), 1e-6);
}
END_TEST

/* Equal figures have no deviation, and the interval is the mean alone. */
START_TEST(equal_figures) {
    statistics s = statistics_of((const double[]){7, 7, 7, 7}, 4);
    ck_assert(s.mean == 7 && s.deviation == 0 && s.half == 0);
}
END_TEST

/* The 97.5% quantile of Student's t with count - 1 degrees of freedom. */
static const struct {
    int count;
    double quantile;
} table[] = {{2, 12.7062047}, {3, 4.3026527},  {4, 3.1824463},  {5, 2.7764451},  {6, 2.5705818},
             {7, 2.4469119},  {8, 2.3646243},  {9, 2.3060041},  {10, 2.2621572}, {11, 2.2281389},
             {12, 2.2009852}, {13, 2.1788128}, {20, 2.0930241}, {30, 2.0452296}, {100, 1.9842170}};

START_TEST(interval_is_students) {
    double values[100];
    int count = table[_i].count;
    for (int i = 0; i < count; i++) values[i] = i;
    statistics s = statistics_of(values, count);
    is_near(s.mean, (count - 1) / 2.0, 1e-12);
    is_near(s.deviation, sqrt(count * (count + 1) / 12.0), 1e-12);
    is_near(s.half * sqrt(count) / s.deviation, table[_i].quantile, 1e-4 * table[_i].quantile);
}
END_TEST

static void add(TCase *tests) {
    tcase_add_test(tests, one_figure_says_nothing_about_others);
    tcase_add_test(tests, two_figures);
    tcase_add_test(tests, three_figures);
    tcase_add_test(tests, five_figures);
    tcase_add_test(tests, equal_figures);
    tcase_add_loop_test(tests, interval_is_students, 0, (int)(sizeof table / sizeof *table));
}

int main(void) {
    return suite_main("statistics", add);
}
