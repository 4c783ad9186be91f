// The path: eight steps from a picture to a hand never seen. Each has a text, figures with the numbers of now, and a question.
import { by_hand } from "./change";
import { controls } from "./controls";
import { accuracy_curve, loss_curve } from "./curves";
import { el } from "../dom";
import { equation, type EquationName, whence } from "./equations";
import { activation_figure, loss_figure, products } from "./figures";
import { held_out } from "./held_out";
import { live } from "./live";
import { neighbourhood, picker, picture } from "./picture";
import { questions } from "./questions";
import { quiz } from "./quiz";
import { shapeOf } from "./trace";
import { unit_picker, unit_zoom } from "./units";

export interface Step { id: keyof typeof questions; title: string; text: () => string[]; section: string; figures: () => Node[]; is_general?: boolean }

const box = (...content: Node[]) => el("section.card.figures", { "aria-label": "Figures" }, ...content);
const pickers = (...all: Node[]) => el("div.row.pickers", {}, ...all);
const equations = (...names: EquationName[]) => el("section.card.equations", { "aria-label": "Equations" }, ...names.map(equation), whence);
const shape = () => (live.session ? shapeOf(live.session) : null);

export const steps: Step[] = [
  { id: "picture", title: "From picture to numbers", section: "Pixels", is_general: true, text: () => [
    "A picture is a grid of pixels. Each holds one number for its brightness: a byte, from 0 (black) to 255 (white).",
    "The network divides every byte by 255, so that all its inputs lie between 0 and 1. It sees nothing but these numbers: no hand and no fingers, only a row of brightnesses.",
    "Choose a pixel of the picture, by a click or with the arrow keys, and read its number."],
  figures: () => [box(picker, el("div.pair", {}, picture, neighbourhood)), equations("pixel")] },
  { id: "sum", title: "Weighted sum", section: "Weighted sums", text: () => [
    `A hidden unit has a weight for every pixel. It multiplies each pixel by its weight, adds all ${shape()?.pixels ?? 784} products up, and adds one number more, its bias.`,
    "Orange weights say: light here speaks for me. Blue weights say: light here speaks against me. Where the picture is black the product is zero, whatever the weight.",
    "Each unit asks the picture a question of its own. At first the weights are drawn at random, and so are the questions."],
  figures: () => [box(pickers(picker, unit_picker), el("div.three", {}, picture, unit_zoom, products)), equations("sum")] },
  { id: "sigmoid", title: "Sigmoid", section: "Sigmoid", text: () => [
    "The sum can be any number. The sigmoid squeezes it between 0 and 1: far below zero becomes almost 0, far above becomes almost 1, and zero becomes one half.",
    "This bend is what makes two layers more than one. Without it, a weighted sum of weighted sums would be just another weighted sum.",
    "Where the curve is flat, a little more or less of the sum changes nothing. A unit that stands there learns slowly."],
  figures: () => [box(unit_picker, activation_figure), equations("active")] },
  { id: "loss", title: "Loss", section: "Loss", text: () => [
    "The output is one more weighted sum, of all hidden units, and one more sigmoid. Its value p is the probability that the network gives to the second sign.",
    "The loss says how wrong that is. It is minus the logarithm of the probability of the sign that is shown: small when the network is sure and right, and very large when it is sure and wrong.",
    "To learn is to make this number smaller, on average over all pictures."],
  figures: () => [box(picker, el("div.pair", {}, picture, loss_figure)), equations("logit", "chance", "loss")] },
  { id: "chain", title: "Chain rule", section: "Backward", text: () => [
    "How does one weight of the first layer reach the loss? It moves the sum of its unit; that moves the activation; that moves the output; and that moves the loss. Each link has a slope, and the chain rule says that the slopes are multiplied.",
    "Going backward, from the loss to the pixels, no product is computed twice. That is backpropagation.",
    "You need not believe it. Move a weight by a little, see what the loss does, and divide: the quotient beside the derivative is that test."],
  figures: () => [equations("dz", "da1", "dz1", "dw1", "chain"), by_hand] },
  { id: "step", title: "One step", section: "Step", text: () => [
    "The derivative says in which direction the loss grows. The step goes the other way, by the learning rate η times the derivative.",
    "It is not done for one picture alone: the derivatives of all pictures of a batch are averaged, so that what is peculiar to one of them counts for little.",
    "Press “One example” to see the pictures of the batch one after the other, or “One batch” to take the step at once. If η is too large, every step jumps farther across the valley than the one before: try the activation “none” with a rate of 100 in the lab."],
  figures: () => [controls, box(pickers(picker, unit_picker), el("div.pair", {}, picture, unit_zoom)), equations("step")] },
  { id: "epoch", title: "An epoch", section: "Step", is_general: true, text: () => [
    `An epoch shows every training picture once, a batch at a time: ${live.session ? `here ${live.session.batches} steps` : "some steps"}. After many epochs the loss has come down.`,
    "The thin line is the loss of each batch. It jumps, because every batch holds other pictures. The thick lines are means over all training pictures, and over pictures that were held out.",
    "When the training line goes on falling and the other does not, the network is learning its pictures by heart."],
  figures: () => [controls, box(loss_curve, accuracy_curve)] },
  { id: "hand", title: "A hand never seen", section: "Numbers of the classification report", is_general: true, text: () => [
    "What a network says of pictures it has learned from proves little. What counts is a hand it has never seen.",
    "Some pictures were therefore held out. They took part in no step. The table counts how often each sign was told rightly, and what it was taken for.",
    "Look at the pictures it gets wrong. Would you have known?"],
  figures: () => [controls, held_out, box(picker, picture)] },
];

const quizzes = new Map(steps.map(({ id }) => [id, quiz(questions[id])]));
export const quizOf = (id: Step["id"]) => quizzes.get(id)!;
