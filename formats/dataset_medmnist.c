/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_medmnist.c - the classes of the MedMNIST sets, whose files hold
 * numbers only.
 *
 * Names from MedMNIST's info.py (github.com/MedMNIST/MedMNIST), version 2.  Two of its
 * twelve sets of pictures are not here: RetinaMNIST's classes are grades, which are
 * their own names, and ChestMNIST has fourteen labels a picture, which is refused. */
#include "formats/dataset_medmnist.h"

#include <string.h>

#define ORGANS                                                                       \
    {                                                                                \
        "bladder", "femur-left", "femur-right", "heart", "kidney-left",              \
            "kidney-right", "liver", "lung-left", "lung-right", "pancreas", "spleen" \
    }

static const struct {
    const char *file; /* what its name begins with */
    int n;
    const char *classes[11];
} sets[] = {
    {"pathmnist",
     9,
     {"adipose", "background", "debris", "lymphocytes", "mucus", "smooth muscle",
      "normal colon mucosa", "cancer-associated stroma",
      "colorectal adenocarcinoma epithelium"}},
    {"dermamnist",
     7,
     {"actinic keratoses and intraepithelial carcinoma", "basal cell carcinoma",
      "benign keratosis-like lesions", "dermatofibroma", "melanoma", "melanocytic nevi",
      "vascular lesions"}},
    {"octmnist",
     4,
     {"choroidal neovascularization", "diabetic macular edema", "drusen", "normal"}},
    {"pneumoniamnist", 2, {"normal", "pneumonia"}},
    {"breastmnist", 2, {"malignant", "normal, benign"}},
    {"bloodmnist",
     8,
     {"basophil", "eosinophil", "erythroblast",
      "immature granulocytes(myelocytes, metamyelocytes and promyelocytes)",
      "lymphocyte", "monocyte", "neutrophil", "platelet"}},
    {"tissuemnist",
     8,
     {"Collecting Duct, Connecting Tubule", "Distal Convoluted Tubule",
      "Glomerular endothelial cells", "Interstitial endothelial cells", "Leukocytes",
      "Podocytes", "Proximal Tubule Segments", "Thick Ascending Limb"}},
    {"organamnist", 11, ORGANS},
    {"organcmnist", 11, ORGANS},
    {"organsmnist", 11, ORGANS},
};

/* "pathmnist.npz", and "pathmnist_64.npz" of the larger pictures. */
static bool is_file_of(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
    const size_t n = strlen(name);
    if (strncmp(file, name, n) != 0) return false;
    const char *end = file + n;
    if (*end == '_') end += 1 + strspn(end + 1, "0123456789");
    return strcmp(end, ".npz") == 0;
}

const char *const *qn_medmnist_classes(const char *path, int n_classes)
{
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        if (sets[i].n == n_classes && is_file_of(path, sets[i].file))
            return sets[i].classes;
    return NULL;
}
