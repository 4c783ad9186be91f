// Everything one image is made of, drawn at random.
#pragma once

#include <vector>

#include "mudra/core/rng.h"
#include "mudra/synth/hand_model.h"
#include "mudra/synth/pose.h"

namespace mudra::synth {

// In a room: the whole picture, or the hand that was found in it, cut out and turned upright.
enum class Domain { massey, ankara, webcam, room, room_cut };
inline bool is_room(Domain domain) { return domain == Domain::room || domain == Domain::room_cut; }

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
  Vec3 stripes;         // of the sleeve
  float stripe = 0;     // mm from one to the next; 0: none
  float pale_palm = 0;  // how much lighter the palm is than the back of the hand
  Vec3 band{0, 0, 0};   // of a watch or bracelet
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
  // Of a camera in a room (photograph_room). Lengths are parts of the picture's side.
  Vec3 gain{1, 1, 1};  // white balance
  float saturation = 1;
  bool grey = false;                 // without colour
  float motion_x = 0, motion_y = 0;  // half the way that everything moved
  float defocus = 0;                 // radius
  float coarse = 1;                  // so many pixels of the picture are one of the camera, each way
  float veil = 0;                    // light scattered in the lens, as a share of the mean
  float edge_sharpness = 0;          // of what a camera's sharpening makes of edges
  float chroma = 0;                  // of JPEG: how coarse colours are
  // What the camera saw ends here, in parts of the side; beyond is black, or what is next to it.
  float left = 0, right = 1, top = 0, bottom = 1;
  bool black_beyond = false;
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
  bool upright = false;    // roll is counted from where the hand, from wrist to middle finger, stands upright
  bool of_joints = false;  // fill and shift are those of the joints, not of the skin
  bool mirrored = false;
  bool empty = false;     // no hand at all
  float darker = 0;       // the hand reflects this share of what the wall behind it does; 0: whatever it is
  float cut_angle = 0;    // radians, by which the edge where a cut-out hand ends stands aslant
  float ragged = 0;       // how much of its rim a cut-out hand has lost
  float left_over = 0;    // light of the wall left around a cut-out hand, relative to the hand's; 0: none
  bool on_black = false;  // in a room's picture: somebody has cut the hand out
  int things = 0;         // behind the hand
  float head = 0;         // of somebody behind the hand: its height in parts of the side; 0: nobody
  float head_x = 0.5f, head_y = 0.5f;
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
