// Everything one image is made of, drawn at random.
#pragma once

#include <vector>

#include "mudra/core/rng.h"
#include "mudra/synth/hand_model.h"
#include "mudra/synth/pose.h"

namespace mudra::synth {

enum class Domain { massey, ankara, webcam };

// One rendered person: constant over all of their images.
struct Person {
  Anatomy anatomy;
  Habits habits;
  Domain domain = Domain::massey;
  Vec3 skin;  // albedo in red, green, blue, linear
  Vec3 nail;
  float palm_scale = 1;  // turns millimetres of this palm into those of a mean one
  float crease = 1;      // depth of the lines at the joints
  float ruddy = 0.1f;    // how much redder fingertips and palm pads are
  int ring_finger = -1;
  bool sleeves = false;
  Vec3 sleeve;
  bool left_handed = false;
  bool dim = false;  // photographed by daylight from the side, not with a flash
};

// Light as the camera sees it: x right, y down, z towards the viewer.
struct Light {
  Vec3 direction{0, 0, 1};  // towards the light
  Vec3 key{1, 1, 1}, ambient{0.4f, 0.4f, 0.4f};
  float softness = 0.5f;   // 0 a lamp, 1 a cloudy sky
  float occlusion = 0.6f;  // strength of ambient occlusion
  float shadow = 0.6f;     // strength of self shadow
  float gloss = 0.05f;
  float limb = 0.3f;  // how much darker skin is that turns away from the viewer
  float cast = 0;     // strength of the hand's shadow on what is behind it
  float falloff = 0;  // a near lamp: how much the key light changes over half a frame
  Vec3 rim{0, 0, 0};  // second light, from the side opposite
};

struct Camera {
  float target = 0;      // the display value automatic exposure brings the image to; 0: none
  bool of_hand = false;  // it measures the hand alone
  float exposure = 1, gamma = 2.2f, blur = 0.3f, noise = 0.01f, vignette = 0, jpeg = 0;
  float contrast = 0;  // of an S-shaped curve
  float sharpen = 0;   // a phone's local contrast: dark outlines before a bright wall
};

struct Scene {
  Dress dress;
  Pose pose;
  Mat3 view;                       // of the hand, without the turn in the picture's plane
  float roll = 0;                  // turn in the picture's plane
  float distance = 600;            // of the camera from the wrist, mm
  float fill = 0.9f;               // share of the frame that the hand's longer side takes
  float least_extent = 0;          // mm: the longer side counts as at least this long
  float lowering = 0;              // how much lower in the frame a shorter hand stands, of half what it lacks
  float shift_x = 0, shift_y = 0;  // of the hand's middle, in frames
  bool mirrored = false;
  bool empty = false;   // no hand at all
  float darker = 0;     // the hand reflects this share of what the wall behind it does; 0: whatever it is
  float cut_angle = 0;  // radians, by which the edge where a cut-out hand ends stands aslant
  float ragged = 0;     // how much of its rim a cut-out hand has lost
  float left_over = 0;  // light of the wall left around a cut-out hand, relative to the hand's; 0: none
  Light light;
  Camera camera;
};

Person draw_person(Domain domain, Rng& rng);
Scene draw_scene(const Person& person, int sign, Rng& rng);

// The skin in samples of a picture `side` samples wide; y points down.
// `joints` are moved along with it.
struct Placed {
  struct Cut {  // a cut-out hand ends here: nothing is seen beyond `at` in direction `away`
    bool on = false;
    Vec3 at, away;
  };
  std::vector<RoundCone> cones;
  std::array<Vec3, joint_count> joints;
  float millimetre = 1;  // samples
  Cut cut;
  Vec3 palm_origin, palm_x, palm_y, palm_z;  // the wrist, and the hand's axes as seen
};
Placed place_hand(const Person& person, const Scene& scene, int side);

}  // namespace mudra::synth
