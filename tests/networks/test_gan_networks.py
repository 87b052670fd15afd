"""The three GANs by their promises; the Gaussian against scikit-learn; the garment features against chapter 01."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import nn

from course_lib import recipes
from course_lib.data import load
from course_lib.errors import CourseError
from course_lib.evaluation import GarmentFeatures, extract_features, fd_clf
from course_lib.evaluation import garments as garment_extractor
from course_lib.images import save_image
from course_lib.networks import (
    DCGAN_LATENT,
    MLP_LATENT,
    RESIDUAL_LATENT,
    PrincipalComponents,
    dcgan_discriminator,
    dcgan_generator,
    mlp_discriminator,
    mlp_generator,
    residual_discriminator,
    residual_generator,
)
from course_lib.runs import load_model
from course_lib.system.device import pick
from course_lib.training import fading

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def garments():
    return load("fashion_mnist_mini", "train", limit=600).tensors()[0]


def pairs(images):
    return {
        "mlp": (mlp_generator(), mlp_discriminator(), MLP_LATENT),
        "dcgan": (dcgan_generator(16), dcgan_discriminator(16), DCGAN_LATENT),
        "residual": (residual_generator(images), residual_discriminator(), RESIDUAL_LATENT),
    }


@pytest.mark.parametrize("name", ["mlp", "dcgan", "residual"])
def test_noise_becomes_pictures_and_pictures_logits(name, garments):
    generator, discriminator, latent = pairs(garments)[name]
    pictures = generator(torch.randn(6, latent))
    assert pictures.shape == (6, 1, 28, 28) and pictures.abs().max() <= 1
    assert discriminator(pictures).shape == (6,)
    discriminator(pictures).sum().backward()
    trained = [weight for weight in [*generator.parameters(), *discriminator.parameters()] if weight.requires_grad]
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in trained)


def test_every_logit_of_the_residual_discriminator_is_its_own_pictures(garments):
    discriminator = residual_discriminator()
    alone, beside = discriminator(garments[:1]), discriminator(garments[:9])[:1]
    torch.testing.assert_close(alone, beside)


def test_the_gaussian_is_principal_component_analysis(garments):
    signed = garments * 2 - 1
    reference = PCA(64, svd_solver="full").fit(signed.flatten(1).numpy())
    ours = PrincipalComponents(signed, 64)
    variances = ours.basis.detach().square().sum(1).numpy()
    np.testing.assert_allclose(variances, reference.explained_variance_, rtol=1e-3)
    directions = ours.basis.detach().numpy() / np.sqrt(variances)[:, None]
    # Up to sign; the last components have nearly equal variances and may mix.
    np.testing.assert_allclose(np.abs((directions * reference.components_).sum(1))[:10], 1, atol=1e-3)
    np.testing.assert_allclose(ours.mean.detach().numpy(), reference.mean_, atol=1e-5)


def test_what_the_gaussian_draws_has_the_data_s_mean_and_spread(garments):
    signed = garments * 2 - 1
    drawn = PrincipalComponents(signed, 200)(torch.randn(20_000, 200, generator=torch.Generator().manual_seed(0)))
    assert (drawn.mean(0) - signed.mean(0)).abs().max() < 0.03
    assert (drawn.std(0) - signed.std(0)).abs().mean() < 0.03


def test_its_sign_is_fixed_and_too_few_pictures_are_refused(garments):
    ours = PrincipalComponents(garments, 8).requires_grad_(False)
    largest = ours.basis.gather(1, ours.basis.abs().argmax(1, keepdim=True))
    assert (largest > 0).all()
    with pytest.raises(CourseError, match="64 images for 64 components"):
        PrincipalComponents(garments[:64], 64)


def test_the_residual_generator_starts_as_its_shortcut(garments):
    generator, noise = residual_generator(garments), torch.randn(5, RESIDUAL_LATENT)
    shortcut = PrincipalComponents(garments * 2 - 1, RESIDUAL_LATENT)
    assert torch.equal(generator(noise), torch.tanh(shortcut(noise)))


def test_dcgan_starts_as_its_paper_says():
    torch.manual_seed(0)
    layers = [layer for layer in dcgan_generator(32).modules() if isinstance(layer, nn.ConvTranspose2d)]
    for layer in layers:
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.1)


def test_the_extractor_is_the_classifier_of_chapter_01(garments):
    classifier, _ = load_model("classifier", CPU)
    with torch.no_grad():
        torch.testing.assert_close(GarmentFeatures(CPU)(garments[:20]), classifier.features(garments[:20]))


def test_the_extractor_sees_pictures_as_a_file_holds_them(garments):
    features = GarmentFeatures(CPU)
    nearly = (garments[:20] + 0.4 / 255).clamp(0, 1)
    assert torch.equal(features(nearly), features(garments[:20]))
    with pytest.raises(CourseError, match=r"N×1×28×28"):
        features(torch.zeros(2, 3, 32, 32))


def test_fd_clf_is_zero_for_the_same_and_grows_with_noise(garments):
    reference = extract_features(garments, garment_extractor(CPU))
    assert fd_clf(garments, garments, CPU) == pytest.approx(0, abs=1e-3)
    dice = torch.Generator().manual_seed(0)
    scores = [
        fd_clf(reference, (garments + level * torch.randn(garments.shape, generator=dice)).clamp(0, 1), CPU)
        for level in (0.05, 0.2, 0.8)
    ]
    assert 0 < scores[0] < scores[1] < scores[2]


def test_pictures_of_another_size_are_refused(tmp_path):
    for index in range(30):
        torch.manual_seed(index)
        save_image(torch.rand(3, 32, 32), tmp_path / f"{index}.png")
    with pytest.raises(CourseError, match=r"grey ones of 28×28"):
        recipes.mlp_gan(f"folder:{tmp_path}", CPU)


def test_the_learning_rate_fades_over_the_second_half():
    assert [fading(done) for done in (0.0, 0.49, 0.5, 0.75, 1.0, 1.2)] == pytest.approx([1, 1, 1, 0.5, 0, 0])


def test_a_trained_gan_samples_the_same_pictures_for_a_seed():
    run = recipes.residual_gan(device=pick("cpu"))
    run.trainer.run(steps=2)
    five = run.sample(5, 3)
    assert torch.equal(five, run.sample(5, 3)) and not torch.allclose(five, run.sample(5, 4), atol=0.01)
    # Among others a picture is the same but for rounding: how a matrix product adds up depends on its rows.
    torch.testing.assert_close(run.sample(9, 3)[:5], five, rtol=0, atol=1e-5)
    assert run.sample(5, 3).min() >= 0 and run.sample(5, 3).max() <= 1
