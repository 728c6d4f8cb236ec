// The one build definition. `python -m ship` sets the variables from git and the model's folder;
// a null variable leaves the Dockerfile's default in force.
//   MODEL=iris docker buildx bake reached  tell whether the data can be had: dist/iris/reach.json
//   MODEL=iris docker buildx bake bundle   train and judge: dist/iris/bundle/, dist/iris/evaluation/
//   MODEL=iris docker buildx bake image    build: dist/iris/image.tar, from that bundle

variable "MODEL" {}
// The folder that holds the folder of the model; it may lie in another repository.
variable "MODELS" { default = "model" }
// A folder with the modules that it shares with other models; see ship/build/shared_modules.py.
variable "SHARED" { default = "" }
variable "PYTHON_IMAGE" { default = null }
variable "RUNTIME" { default = null }
// The packages of the model's own lock that a joblib image needs, separated by blanks.
variable "PACKAGES" { default = null }
variable "REVISION" { default = null }
variable "VERSION" { default = null }
variable "SOURCE_DATE_EPOCH" { default = null }
// Where the results go, and what else to say about the image, as JSON.
variable "DIST" { default = "dist" }
variable "LABELS" { default = "{}" }
// Files that reach pip inside the build as secrets, so that no layer holds them; see ship/host/pip_secrets.py.
variable "PIP_CONFIG" { default = "" }
variable "CA_BUNDLE" { default = "" }
// Credentials of the data, for the stages that read the rows alone; see ship/host/data_secrets.py.
variable "DATA_SECRETS" { default = "" }
// The folder in which a bundle is built, and the folder of an exported model that replaces training.
variable "OUT" { default = "${DIST}/${MODEL}" }
variable "EXPORT" { default = "" }
// The folder of what the model's own metrics have to score in a comparison; see ship/compare/own_scores.py.
variable "ASKED" { default = "" }
// Folders that bring the layers of training from one machine to the next.
variable "CACHE_FROM" { default = "" }
variable "CACHE_TO" { default = "" }

group "default" { targets = ["image"] }

target "_common" {
  args = {
    MODEL             = MODEL
    PYTHON_IMAGE      = PYTHON_IMAGE
    SOURCE_DATE_EPOCH = SOURCE_DATE_EPOCH
  }
  contexts = merge({ models = MODELS }, SHARED == "" ? {} : { shared = SHARED })
  secret = concat(
    PIP_CONFIG == "" ? [] : ["id=pip,src=${PIP_CONFIG}"],
    CA_BUNDLE == "" ? [] : ["id=ca,src=${CA_BUNDLE}"],
    DATA_SECRETS == "" ? [] : ["id=data,src=${DATA_SECRETS}"],
  )
  attest = ["type=provenance,disabled=true"]
}

target "reached" {
  inherits        = ["_common"]
  target          = "reached"
  no-cache-filter = ["reach"]
  output          = ["type=local,dest=${OUT}"]
}

target "bundle" {
  inherits   = ["_common"]
  target     = "trained"
  args       = { REVISION = REVISION, VERSION = VERSION }
  contexts   = EXPORT == "" ? {} : { export = EXPORT }
  output     = ["type=local,dest=${OUT}"]
  cache-from = CACHE_FROM == "" ? [] : ["type=local,src=${CACHE_FROM}"]
  cache-to   = CACHE_TO == "" ? [] : ["type=local,dest=${CACHE_TO},mode=max,compression=zstd,ignore-error=true"]
}

// The values of the model's own metrics, of the answers in the folder ASKED.
target "scored" {
  inherits = ["_common"]
  target   = "scored"
  contexts = { asked = ASKED }
  output   = ["type=local,dest=${OUT}"]
}

// What an image is built on, without a result: built beside the training, it is there when the image is.
target "packages" {
  inherits = ["_common"]
  target   = "packages"
  output   = ["type=cacheonly"]
}

target "image" {
  inherits = ["_common"]
  target   = "runtime"
  args     = { RUNTIME = RUNTIME, PACKAGES = PACKAGES }
  contexts = { bundle = "${DIST}/${MODEL}/bundle" }
  labels   = jsondecode(LABELS)
  output   = ["type=oci,dest=${DIST}/${MODEL}/image.tar"]
}
