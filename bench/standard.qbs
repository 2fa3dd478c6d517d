# bench/standard.qbs - what `make bench` measures: shapes that targets are set for, then
# the heaviest problems of common vision networks (224x224, batch 1; a network's name
# behind @), as `quern bench extract` finds them.
count 56

# Targets
conv_f32:ic64,h56,oc64@pointwise
conv_f32:ic256,h56,oc64@pointwise
conv_f32:ic128,h28,oc512@pointwise
conv_f32:ic1024,h14,oc256@pointwise
conv_f32:ic128,h28,oc128,k3,p1@direct
conv_f32:ic256,h14,oc256,k3,p1@direct
dw_f32:c144,h56,k3,p1@depthwise
dw_f32:c{96,240},h{28,14},k{3,5},p2@depthwise
gemm_f32:m{64,197,512},n768,k768,tb@products
gemm_f32:m64,n256,k256@products
gemv_f32:n1000,k2048,tb@products
softmax_f32:m2364,n197@attention

# vgg16
conv_f32:ic512,h28,w28,oc512,k3,p1,bias,act=relu@vgg16*2
conv_f32:ic256,h56,w56,oc256,k3,p1,bias,act=relu@vgg16*2

# resnet18
conv_f32:ic64,h56,w56,oc64,k3,p1,bias,add,act=relu@resnet18*2
conv_f32:ic64,h56,w56,oc64,k3,p1,bias,act=relu@resnet18*2
conv_f32:ic3,h224,w224,oc64,k7,s2,p3,bias,act=relu@resnet18

# resnet50
conv_f32:ic256,h14,w14,oc256,k3,p1,bias,act=relu@resnet50*5
conv_f32:ic128,h28,w28,oc128,k3,p1,bias,act=relu@resnet50*3
conv_f32:ic256,h14,w14,oc1024,bias,add,act=relu@resnet50*5

# mobilenet_v2
dw_f32:c144,h56,w56,k3,p1,bias,act=clip@mobilenet_v2
dw_f32:c32,h112,w112,k3,p1,bias,act=clip@mobilenet_v2
dw_f32:c96,h112,w112,k3,s2,p1,bias,act=clip@mobilenet_v2

# mobilenet_v3_small
dw_f32:c240,h14,w14,k5,p2,bias,act=hard_swish@mobilenet_v3_small*2
dw_f32:c576,h7,w7,k5,p2,bias,act=hard_swish@mobilenet_v3_small*2
dw_f32:c144,h14,w14,k5,p2,bias,act=hard_swish@mobilenet_v3_small

# mobilenet_v3_large
dw_f32:c120,h28,w28,k5,p2,bias,act=relu@mobilenet_v3_large*2
conv_f32:ic112,h14,w14,oc672,bias,act=hard_swish@mobilenet_v3_large*2
dw_f32:c960,h7,w7,k5,p2,bias,act=hard_swish@mobilenet_v3_large*2

# squeezenet1_1
conv_f32:ic512,h13,w13,oc1000,bias,act=relu@squeezenet1_1
conv_f32:ic16,h55,w55,oc64,k3,p1,bias,act=relu@squeezenet1_1*2
conv_f32:ic32,h27,w27,oc128,k3,p1,bias,act=relu@squeezenet1_1*2

# shufflenet_v2_x1_0
conv_f32:ic116,h14,w14,oc116,bias,act=relu@shufflenet_v2_x1_0*16
conv_f32:ic464,h7,w7,oc1024,bias,act=relu@shufflenet_v2_x1_0
conv_f32:ic232,h7,w7,oc232,bias,act=relu@shufflenet_v2_x1_0*8

# unet
conv_f32:ic256,h28,w28,oc256,k3,p1,bias,add@unet*5
conv_f32:ic64,h112,w112,oc64,k3,p1,bias,add@unet*4
conv_f32:ic32,h224,w224,oc32,k3,p1,bias,add@unet*4

# vit_b_16
gemm_f32:m197,n768,k768,tb@vit_b_16*12
gemm_f32:m197,n64,k197@vit_b_16*144
gemm_f32:m197,n197,k64@vit_b_16*144

# efficientnet_b0
dw_f32:c672,h14,w14,k5,p2,bias,act=silu@efficientnet_b0*2
dw_f32:c240,h28,w28,k5,p2,bias,act=silu@efficientnet_b0
dw_f32:c1152,h7,w7,k5,p2,bias,act=silu@efficientnet_b0*3

# googlenet
conv_f32:ic64,h56,w56,oc192,k3,p1,bias,act=relu@googlenet
conv_f32:ic128,h28,w28,oc192,k3,p1,bias,act=relu@googlenet
conv_f32:ic160,h14,w14,oc320,k3,p1,bias,act=relu@googlenet

# densenet121
conv_f32:ic128,h56,w56,oc32,k3,p1@densenet121*6
conv_f32:ic128,h28,w28,oc32,k3,p1@densenet121*12
conv_f32:ic128,h14,w14,oc32,k3,p1@densenet121*24

# regnet_y_400mf
conv_f32:ic440,h7,w7,oc440,bias,add,act=relu@regnet_y_400mf*6
conv_f32:ic208,h14,w14,oc208,bias,add,act=relu@regnet_y_400mf*6
conv_f32:ic440,h7,w7,oc440,bias,act=relu@regnet_y_400mf*5

# convnext_tiny
dw_f32:c96,h56,w56,k7,p3,bias@convnext_tiny*3
dw_f32:c384,h14,w14,k7,p3,bias@convnext_tiny*9
dw_f32:c192,h28,w28,k7,p3,bias@convnext_tiny*3
