// Asks a trained model what a picture shows: predict MODEL PICTURE
#include <mudra/data/image_file.h>
#include <mudra/inference/predictor.h>

#include <cstdio>
#include <exception>

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: predict MODEL PICTURE\n");
    return 2;
  }
  try {
    const mudra::Predictor predictor(mudra::load_model(arguments[1]));
    const mudra::Answer answer = predictor.answer(mudra::read_images(arguments[2])).at(0);
    const auto& classes = predictor.model().classes;
    std::printf("%s\n", answer.label == mudra::refused
                            ? "none of these"
                            : classes.at(static_cast<size_t>(answer.label)).c_str());
    for (size_t c = 0; c < classes.size(); ++c)
      std::printf("%s %.6f\n", classes[c].c_str(), answer.probabilities[c]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "predict: %s\n", error.what());
    return 1;
  }
}
