"""A network of RC-Spike layers as a Lightning module: loss, decisions and noise are the functions that ``nonideal.train`` uses.

Needs Lightning, which the package does not: ``pip install lightning``.
"""

from __future__ import annotations

import lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

import nonideal
from nonideal.pnn import LossWeights, decide, training_loss


class SpikingClassifier(lightning.LightningModule):
    """Any network that ``variant_options`` or ``StackOptions`` describes."""

    def __init__(self, options: nonideal.pnn.NetworkOptions, loss: LossWeights | None = None) -> None:
        super().__init__()
        self.network = options.build()
        self.loss = loss if loss is not None else LossWeights()
        self.noise = torch.Generator().manual_seed(0)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """batch: spike times [B, axons] in T_circ, labels [B]."""
        spike_time, label = batch
        firings = self.network(spike_time, self.noise)
        return training_loss(firings, label, self.network.weights, self.loss, self.network.classes)

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Logs the share of right decisions, in [0, 1]."""
        spike_time, label = batch
        decision = decide(self.network(spike_time)[-1].spike_time, self.network.classes)
        self.log("test_accuracy", (decision == label).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam, as the trainer's own."""
        return torch.optim.Adam(self.parameters(), lr=5e-3)


def main(epochs: int = 60) -> float:
    """Share of the test samples that are right."""
    lightning.seed_everything(0, verbose=False)
    data = nonideal.load_dataset("iris")
    module = SpikingClassifier(
        nonideal.variant_options("pnn", nonideal.preset("sky130_tt"), (5, 5, 3), sigma_spike=0.01)
    )
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    train = TensorDataset(data.train_x.float(), data.train_y)
    trainer.fit(module, DataLoader(train, batch_size=25, shuffle=True))
    test = TensorDataset(data.test_x.float(), data.test_y)
    return float(trainer.test(module, DataLoader(test, batch_size=50), verbose=False)[0]["test_accuracy"])


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"{100 * main():.1f} % of the test samples")
